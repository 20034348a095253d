import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEnvFile } from 'node:process';
import { readOperatorPublicKey } from '@mini-pg/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envFile, secretVariables } from './secret-files.ts';
import { keepSecrets } from './secrets.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'secret-files-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the secrets of a system', () => {
  it('are made once and then kept, for their owner only', () => {
    const file = join(dir, 'secrets.json');
    const made = keepSecrets(file);
    expect(keepSecrets(file)).toEqual(made);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it('reach each service without those of the others', () => {
    const secrets = keepSecrets(join(dir, 'secrets.json'));
    const url = (user: string): string => `postgres://minipg_${user}:p%23w@db:5432/minipg`;
    const files = secretVariables({
      secrets,
      databaseUrls: {
        payment: url('payment'),
        processor: url('processor'),
        settlement: url('settlement'),
        auditor: url('auditor'),
      },
      accounts: { TOSS_LIVE_SECRET_KEY: 'live_sk_x' },
    });
    expect(Object.keys(files['payment-api'] ?? {}).sort()).toEqual([
      'DATABASE_URL',
      'OPERATOR_PUBLIC_KEY',
      'SEAL_KEYS',
    ]);
    expect(files['pg-processor']?.TOSS_LIVE_SECRET_KEY).toBe('live_sk_x');
    expect(files.auditor).toEqual({ DATABASE_URL: url('auditor') });
    expect(files['settlement-worker']).not.toHaveProperty('SEAL_KEYS');
    const key = files['settlement-worker']?.OPERATOR_PUBLIC_KEY ?? '';
    expect(readOperatorPublicKey(key).asymmetricKeyType).toBe('ed25519');
  });
});

describe('an env file', () => {
  it('gives Node the very values', () => {
    const LOCAL_SETUP_TEST = `a#b 'c' $d=${'+/='} \\e`;
    writeFileSync(join(dir, 'one.env'), envFile({ LOCAL_SETUP_TEST }));
    loadEnvFile(join(dir, 'one.env'));
    expect(process.env.LOCAL_SETUP_TEST).toBe(LOCAL_SETUP_TEST);
  });

  it('refuses what would not come back as it went in', () => {
    expect(() => envFile({ KEY: 'two\nlines' })).toThrow('KEY does not fit');
  });
});
