import { loadProfile } from '@mini-pg/runtime';

/**
 * The keys of the PG accounts of the profile `local`, by the names of their variables. The
 * simulator takes every well-formed key, so these are no secrets.
 */
export function accountSecrets(profilesDir?: string): Record<string, string> {
  const { accounts } = loadProfile('local', profilesDir);
  return Object.fromEntries(
    accounts.map(({ secretEnv, livemode }) => [
      secretEnv,
      `${livemode ? 'live' : 'test'}_sk_local_simulator`,
    ]),
  );
}
