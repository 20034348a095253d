import { runInSite } from './run-in-site.ts';
import { runTurbo } from './turbo.ts';

/** Builds the services, which is quick when nothing has changed. Throws when it fails. */
export async function buildServices(): Promise<void> {
  const args = ['build', '--filter=./apps/*', '--output-logs=errors-only'];
  const code = await runInSite(({ guardian }) => runTurbo(guardian, args));
  if (code !== 0) throw new Error('The build failed; see above.');
}
