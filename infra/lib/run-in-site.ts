import { openSite, type Site } from '@mini-pg/local-stack';
import { onStopRequest } from './stop-request.ts';

/**
 * Runs a command whose processes must not outlive it: on a temporary site, which is closed
 * whether the work ends, fails or is interrupted.
 *
 * @param atStop what an interruption has to see to before the site is closed
 * @returns the exit code that `work` gives
 */
export async function runInSite(
  work: (site: Site) => Promise<number>,
  atStop: () => Promise<void> = async () => {},
): Promise<number> {
  const site = await openSite(undefined, (line) => console.log(line));
  const stopListening = onStopRequest(async (why) => {
    console.log(`stopping (${why})`);
    try {
      await atStop();
    } finally {
      await site.close();
    }
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
