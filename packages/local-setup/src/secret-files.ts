import type { DatabaseUser } from '@mini-pg/database';
import { operatorPublicKey, type Secrets } from './secrets.ts';

type Given = {
  secrets: Secrets;
  databaseUrls: Record<DatabaseUser, string>;
  /** Keys of PG accounts by the names of their variables. */
  accounts: Record<string, string>;
};

/** The secret part of the environment of each service, and of the auditor: what it needs, and nothing of the others. */
export function secretVariables(given: Given): Record<string, Record<string, string>> {
  const { secrets, databaseUrls, accounts } = given;
  const pem = operatorPublicKey(secrets);
  const OPERATOR_PUBLIC_KEY = Buffer.from(pem).toString('base64');
  const SEAL_KEYS = secrets.sealKeys;
  return {
    'payment-api': { DATABASE_URL: databaseUrls.payment, SEAL_KEYS, OPERATOR_PUBLIC_KEY },
    'pg-processor': {
      DATABASE_URL: databaseUrls.processor,
      SEAL_KEYS,
      OPERATOR_PUBLIC_KEY,
      ...accounts,
    },
    'settlement-worker': { DATABASE_URL: databaseUrls.settlement, OPERATOR_PUBLIC_KEY },
    auditor: { DATABASE_URL: databaseUrls.auditor },
  };
}

/** Variables as a file for `node --env-file`; values are of one line and hold no quotes. */
export function envFile(variables: Record<string, string>): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (/["\n]/.test(value)) throw new Error(`${name} does not fit into a line of an env file.`);
      return `${name}="${value}"`;
    })
    .join('\n');
}
