import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadProfile, type Profile } from '@mini-pg/runtime';

const ENV = 'local';

/**
 * The local profile with changes, in a folder of its own.
 * @returns what to add to a service's environment for it
 */
export function changedProfile(
  folder: string,
  change: (profile: Profile) => Profile,
): { PROFILES_DIR: string } {
  mkdirSync(folder, { recursive: true });
  const profile = change(loadProfile(ENV));
  writeFileSync(join(folder, `${ENV}.json`), JSON.stringify(profile, null, 2));
  return { PROFILES_DIR: folder };
}
