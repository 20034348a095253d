import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dockerEnvironment } from './docker.ts';
import type { Site } from './site.ts';

const REMOVE_TIMEOUT_MS = 60_000;

/** What a label of Docker marks; volumes only where nobody wants their data back. */
export type Removal = { label: string; volumes: boolean };

/**
 * Removes containers and networks of a label, and volumes if asked, at the end of a site: a
 * process of its guardian's waits for that end, so they go however it comes.
 * @returns lets them stay after all
 */
export async function removeAtEnd(
  site: Site,
  { label, volumes }: Removal,
): Promise<() => Promise<void>> {
  const entry = new URL(`./container-keeper${extname(import.meta.url)}`, import.meta.url);
  const keeper = await site.guardian.run({
    name: 'container-keeper',
    command: process.execPath,
    args: [fileURLToPath(entry), label, ...(volumes ? ['--volumes'] : [])],
    env: dockerEnvironment(),
    output: { file: `${site.logDir}/container-keeper.log` },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: REMOVE_TIMEOUT_MS,
    orphanTimeoutMs: REMOVE_TIMEOUT_MS,
    // After whatever may still be making containers.
    stage: 0,
  });
  return async () => {
    keeper.signal('SIGKILL');
    await keeper.exited;
  };
}
