import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const SERVER = fileURLToPath(new URL('./bare-server.ts', import.meta.url));

/** The bare route as a process of its own; see `bare-server.ts`. */
export interface BareServer {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/** Starts it; it ends with this process at the latest. */
export function startBareServer(): Promise<BareServer> {
  const child = fork(SERVER, { execArgv: ['--conditions=source'], stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The bare server ended (code ${code}).`)));
    child.once('message', (message) => {
      const { port } = z.object({ port: z.int() }).parse(message);
      resolve({ port, pid: child.pid ?? 0, stop: () => child.disconnect() });
    });
  });
}
