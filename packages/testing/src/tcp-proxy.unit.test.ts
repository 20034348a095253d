import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { waitFor } from './wait-for.ts';

let echo: Server;
let proxy: TcpProxy;
let received: string;

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  proxy = await startTcpProxy({
    host: '127.0.0.1',
    port: typeof address === 'object' && address !== null ? address.port : 0,
  });
  received = '';
});

afterEach(async () => {
  await proxy.stop();
  echo.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    received += chunk.toString();
  });
  await once(socket, 'connect');
  return socket;
}

describe('the TCP proxy', () => {
  it('passes bytes in both directions', async () => {
    (await open()).write('hello');
    await waitFor(() => received === 'hello', { what: 'the echo' });
  });

  it('keeps silent in a black hole and passes the bytes on, in order, when it ends', async () => {
    const socket = await open();
    proxy.blackHole();
    socket.write('one ');
    socket.write('two');
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).toBe('');
    proxy.resume();
    await waitFor(() => received === 'one two', { what: 'the held bytes' });
  });

  it('cuts open connections', async () => {
    const socket = await open();
    proxy.cut();
    await waitFor(() => socket.destroyed, { what: 'the cut' });
  });

  it('refuses connections until it accepts them again', async () => {
    await proxy.refuse();
    const refused = connect(proxy.port, '127.0.0.1');
    const [error] = await once(refused, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.accept();
    (await open()).write('again');
    await waitFor(() => received === 'again', { what: 'the echo' });
  });
});
