import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy whose faults are switched by the test: what a slow or cut network looks like. */
export interface TcpProxy {
  readonly port: number;
  /** Holds every chunk, in both directions, for that long; 0 is no delay. */
  delay(ms: number): void;
  /** Passes nothing on until `resume`: peers see an open connection that stays silent. */
  blackHole(): void;
  resume(): void;
  /** Cuts every open connection with a reset. */
  cut(): void;
  /** Refuses new connections and cuts the open ones until `accept`. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  stop(): Promise<void>;
}

interface Faults {
  delayMs: number;
  silent: boolean;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const faults: Faults = { delayMs: 0, silent: false };
  const sockets = new Set<Socket>();
  const held = new Set<() => void>();
  let server: Server = serve();

  function serve(): Server {
    return createServer((client) => {
      const upstream = connect(target.port, target.host);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => sockets.delete(socket));
      }
      pipe(client, upstream, faults, held);
      pipe(upstream, client, faults, held);
    });
  }

  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const close = async () => {
    if (!server.listening) return cut();
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };

  return {
    port,
    delay: (ms) => {
      faults.delayMs = ms;
    },
    blackHole: () => {
      faults.silent = true;
    },
    resume: () => {
      faults.silent = false;
      for (const release of held) release();
      held.clear();
    },
    cut,
    refuse: close,
    accept: async () => {
      server = serve();
      await listen(port);
    },
    stop: close,
  };
}

/** Passes chunks on in order, each after the delay in force when it came. */
function pipe(from: Socket, to: Socket, faults: Faults, held: Set<() => void>): void {
  let last: Promise<void> = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    last = last.then(() => hold(faults, held)).then(() => void (to.destroyed || to.write(chunk)));
  });
  from.on('end', () => {
    last = last.then(() => void to.end());
  });
  from.on('close', () => {
    last = last.then(() => void to.destroy());
  });
}

async function hold(faults: Faults, held: Set<() => void>): Promise<void> {
  if (faults.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, faults.delayMs));
  if (faults.silent) await new Promise<void>((resolve) => held.add(resolve));
}
