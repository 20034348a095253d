import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Profile } from '@mini-pg/runtime';
import type { BenchContext } from '../bench.ts';

const ENV = 'local';

/**
 * The local profile of the measured commit with changes, in a folder of its own of that name.
 * @returns what to add to a service's environment for it
 */
export function changedProfile(
  { scratchDir, subject }: BenchContext,
  name: string,
  change: (profile: Profile) => Profile,
): { PROFILES_DIR: string } {
  const folder = join(scratchDir, `profiles-${name}`);
  mkdirSync(folder);
  const profile = change(subject.loadProfile(ENV));
  writeFileSync(join(folder, `${ENV}.json`), JSON.stringify(profile, null, 2));
  return { PROFILES_DIR: folder };
}
