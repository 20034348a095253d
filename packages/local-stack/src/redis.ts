import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ServerPlan } from './server.ts';

const STOP_TIMEOUT_MS = 5_000;
const PING_TIMEOUT_MS = 1_000;

/**
 * A Redis without persistence: it is a fast path only, and what it forgets, Postgres knows.
 */
export function planRedis(options: { dataDir: string; logDir: string; port: number }): ServerPlan {
  const { port } = options;
  const dir = join(options.dataDir, 'redis');
  mkdirSync(dir, { recursive: true });
  const settings = { port, bind: '127.0.0.1', dir, save: '', appendonly: 'no', daemonize: 'no' };
  return {
    spec: {
      name: 'redis',
      command: 'redis-server',
      args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      env: { PATH: process.env.PATH ?? '' },
      output: { file: join(options.logDir, 'redis.log') },
      stopSignal: 'SIGTERM',
      stopTimeoutMs: STOP_TIMEOUT_MS,
      stage: 0,
    },
    isReady: () => answersPing(port),
    installHint: 'Install it with `apt-get install redis-server`, or `brew install redis`.',
  };
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PING_TIMEOUT_MS, () => end(false));
    socket.once('error', () => end(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
  });
}
