/**
 * A job before the first migration of a system of containers: makes its secrets unless they are
 * there, the database with a role for each service, and for each service a file with the secret
 * part of its environment. Run again, it changes nothing but what is missing.
 */
import { join } from 'node:path';
import { provision } from '@mini-pg/database';
import { exitWithError, loadConfig } from '@mini-pg/runtime';
import { z } from 'zod';
import { accountSecrets } from './account-secrets.ts';
import { envFile, secretVariables } from './secret-files.ts';
import { keepSecrets } from './secrets.ts';
import { writeWhole } from './write-whole.ts';

const environment = z.object({
  /** A superuser's URL. */
  POSTGRES_URL: z.string(),
  DATABASE: z.string(),
  /** A folder with one for `keys` and one for each service in it. */
  SECRETS_DIR: z.string(),
  PROFILES_DIR: z.string(),
});

try {
  const { POSTGRES_URL, DATABASE, SECRETS_DIR, PROFILES_DIR } = loadConfig(
    environment,
    process.env,
  );
  const secrets = keepSecrets(join(SECRETS_DIR, 'keys', 'secrets.json'));
  const databaseUrls = await provision(POSTGRES_URL, {
    database: DATABASE,
    passwords: secrets.databasePasswords,
  });
  const accounts = accountSecrets(PROFILES_DIR);
  const files = secretVariables({ secrets, databaseUrls, accounts });
  for (const [service, variables] of Object.entries(files)) {
    writeWhole(join(SECRETS_DIR, service, 'secrets.env'), envFile(variables));
  }
} catch (error) {
  exitWithError(error);
}
