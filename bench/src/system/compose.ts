import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { docker, REPOSITORY_DIR } from '@mini-pg/local-stack';
import { z } from 'zod';
import type { BenchContext } from '../bench.ts';

const BOOTSTRAP = join(REPOSITORY_DIR, 'infra', 'bootstrap.mjs');
const LOOK_TIMEOUT_MS = 60_000;

const localSchema = z.object({
  instances: z.array(z.object({ service: z.string(), url: z.url() })),
  compose: z.object({ project: z.string() }),
});

/** A service of a system of containers: where it answers, and its container's name. */
export interface Contained {
  readonly service: string;
  readonly url: string;
  readonly container: string;
}

/** The whole system as containers, by the command that everybody runs; it goes with the bench. */
export async function startContainersForBench(context: BenchContext): Promise<Contained[]> {
  const dataDir = context.scratchDir;
  context.log('building images and starting containers, which takes minutes the first time');
  context.atEnd(async () => void (await command(dataDir, 'down', '--volumes')));
  await command(dataDir, 'up');
  const local = localSchema.parse(JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8')));
  return local.instances.map(({ service, url }) => {
    return { service, url, container: `${local.compose.project}-${service}-1` };
  });
}

async function command(dataDir: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [BOOTSTRAP, ...args], {
    cwd: REPOSITORY_DIR,
    env: { ...process.env, STACK: 'docker', DATA_DIR: dataDir },
  });
}

/** What a call of Docker's command line writes. @throws Error with its last words when it fails */
export async function askDocker(...args: string[]): Promise<string> {
  const result = await docker(args, LOOK_TIMEOUT_MS);
  if (!result.ok) throw new Error(`docker ${args[0]}: ${result.output}`);
  return result.output;
}
