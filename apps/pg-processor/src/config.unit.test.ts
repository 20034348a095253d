import { generateKeyPairSync } from 'node:crypto';
import { ConfigError } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { type Environment, readConfig } from './config.ts';

const { publicKey } = generateKeyPairSync('ed25519');

const LOCAL: Environment = {
  DATABASE_URL: 'postgres://processor:pw@127.0.0.1:5432/minipg',
  KAFKA_BROKERS: '127.0.0.1:9092',
  SEAL_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  OPERATOR_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  TOSS_LIVE_SECRET_KEY: 'live_sk_0123456789abcdef',
  TOSS_TEST_SECRET_KEY: 'test_sk_0123456789abcdef',
};

function problemsOf(over: Environment): readonly string[] {
  try {
    readConfig({ ...LOCAL, ...over });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the configuration', () => {
  it('takes one account a mode of each PG that is on, with its secret', () => {
    const [toss, ...others] = readConfig(LOCAL).pgs;
    expect(others).toEqual([]);
    expect(toss?.accounts.map(({ id, secret }) => [id, secret.reveal()])).toEqual([
      ['tosslive01', 'live_sk_0123456789abcdef'],
      ['tosstest01', 'test_sk_0123456789abcdef'],
    ]);
    expect(toss?.settings.baseUrl).toBe('http://127.0.0.1:7400');
  });

  it('lets TOSS_BASE_URL stand in for the profile', () => {
    const [toss] = readConfig({ ...LOCAL, TOSS_BASE_URL: 'http://127.0.0.1:9' }).pgs;
    expect(toss?.settings.baseUrl).toBe('http://127.0.0.1:9');
  });

  it('prints no secret', () => {
    expect(JSON.stringify(readConfig(LOCAL).pgs)).not.toContain('sk_0123456789abcdef');
  });

  it('names every bad name at once', () => {
    const problems = problemsOf({
      DATABASE_URL: undefined,
      KAFKA_BROKERS: 'nowhere',
      SEAL_KEYS: 'k1:short',
      OPERATOR_PUBLIC_KEY: 'none',
      TOSS_LIVE_SECRET_KEY: undefined,
      TOSS_TEST_SECRET_KEY: '',
      TOSS_BASE_URL: 'ftp://x',
    });
    for (const name of [
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'SEAL_KEYS',
      'OPERATOR_PUBLIC_KEY',
      'TOSS_LIVE_SECRET_KEY',
      'TOSS_TEST_SECRET_KEY',
      'TOSS_BASE_URL',
    ]) {
      expect(problems.filter((line) => line.startsWith(`${name}: `))).toHaveLength(1);
    }
  });
});

describe('the configuration of prod', () => {
  const PROD = { APP_ENV: 'prod' };

  it('needs the live key only', () => {
    expect(problemsOf({ ...PROD, TOSS_TEST_SECRET_KEY: undefined })).toEqual([]);
  });

  it.each([
    [
      { TOSS_BASE_URL: 'http://127.0.0.1:7400' },
      'TOSS_BASE_URL: prod takes the base URL from its profile only',
    ],
    [
      { TOSS_LIVE_SECRET_KEY: 'test_sk_0123456789abcdef' },
      'TOSS_LIVE_SECRET_KEY: prod refuses a test key',
    ],
    [
      { TOSS_LIVE_SECRET_KEY: 'live_changeme_0123456789' },
      'TOSS_LIVE_SECRET_KEY: prod refuses a default or short secret',
    ],
  ])('refuses %o', (over, problem) => {
    expect(problemsOf({ ...PROD, ...over })).toEqual([problem]);
  });
});
