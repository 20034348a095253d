import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A program of this repository, run from its sources. */
export interface Program {
  readonly url: string;
  readonly child: ChildProcess;
  /** Its log, newest last; kept short. */
  readonly lines: string[];
  stop(signal: NodeJS.Signals): Promise<void>;
}

const LINES_MAX = 500;

/** Starts `apps/<app>/src/main.ts` and waits until it says where it listens. */
export async function startProgram(
  app: string,
  environment: Readonly<Record<string, string>>,
): Promise<Program> {
  const main = fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=source', main], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > LINES_MAX) lines.shift();
  };
  createInterface({ input: child.stderr }).on('line', keep);
  const output = createInterface({ input: child.stdout });
  output.on('line', keep);
  const port = await new Promise<number>((resolve, reject) => {
    output.on('line', (line) => {
      const { msg, port } = JSON.parse(line) as { msg?: string; port?: number };
      if (msg === 'listening' && port !== undefined) resolve(port);
    });
    child.once('exit', (code) => {
      reject(new Error(`${app} ended with ${code} before it listened:\n${lines.join('\n')}`));
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    lines,
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await once(child, 'exit');
    },
  };
}
