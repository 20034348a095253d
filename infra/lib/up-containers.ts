/** `npm run up` as containers, which Docker looks after once they are ready. */
import { openSite } from '@mini-pg/local-stack';
import { projectOf } from './compose-project.ts';
import { startComposeSystem } from './compose-system.ts';
import { DATA_DIR, removeLocalSystem, writeLocalSystem } from './local-system.ts';
import type { Scale } from './scale.ts';
import { onStopRequest } from './stop-request.ts';

/**
 * Starts the containers, and returns once they are ready. Interrupted, it removes them again.
 *
 * @throws Error with what kept it from that; then nothing is left but the data of earlier runs
 */
export async function upAsContainers(scale: Scale): Promise<void> {
  const log = (line: string): void => console.log(line);
  // Of an earlier system, when somebody has removed its containers by hand.
  removeLocalSystem();
  const site = await openSite(DATA_DIR, log);
  let isStopping = false;
  const stopListening = onStopRequest(async (why) => {
    isStopping = true;
    log(`stopping (${why})`);
    removeLocalSystem();
    await site.close();
  });
  try {
    const options = { project: projectOf(DATA_DIR), scale, isEphemeral: false };
    const { local, release } = await startComposeSystem(site, options);
    writeLocalSystem(local);
    await release();
  } catch (error) {
    throw isStopping ? new Error('interrupted', { cause: error }) : error;
  } finally {
    await site.close();
    stopListening();
  }
}
