import { openSite, type Site } from '@mini-pg/local-stack';
import { onStopRequest } from './stop-request.ts';

/**
 * Runs a command whose processes must not outlive it: on a temporary site, which is closed
 * whether the work ends, fails or is interrupted.
 * @returns the exit code that `work` gives
 */
export async function runInSite(work: (site: Site) => Promise<number>): Promise<number> {
  const site = await openSite(undefined, (line) => console.log(line));
  const stopListening = onStopRequest(async (why) => {
    console.log(`stopping (${why})`);
    await site.close();
  });
  try {
    return await work(site);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await site.close();
    stopListening();
  }
}
