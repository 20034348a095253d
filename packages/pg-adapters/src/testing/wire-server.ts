import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface WireRequest {
  /** Counts from 1 over all connections. */
  readonly number: number;
  readonly head: string;
  readonly body: string;
  readonly socket: Socket;
}

export interface WireServer {
  readonly url: string;
  readonly requests: WireRequest[];
  /** Connections that were opened so far. */
  connections(): number;
  close(): Promise<void>;
}

/**
 * A server of bare sockets: the handler decides about every byte of an answer and about the end of
 * the connection. It reads requests with a `content-length` or without a body.
 */
export async function startWireServer(handle: (request: WireRequest) => void): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let buffered = '';
    socket.on('data', (chunk) => {
      buffered += chunk.toString('latin1');
      const end = buffered.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(buffered)?.[1] ?? 0);
      if (end < 0 || buffered.length < end + 4 + length) return;
      const request: WireRequest = {
        number: requests.length + 1,
        head: buffered.slice(0, end),
        body: Buffer.from(buffered.slice(end + 4, end + 4 + length), 'latin1').toString('utf8'),
        socket,
      };
      buffered = buffered.slice(end + 4 + length);
      requests.push(request);
      handle(request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An HTTP answer as bytes. */
export function httpAnswer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n${text}`;
}
