import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { APP_ENVS, type AppEnv, ConfigError } from './config.ts';
import {
  isSimulatorUrl,
  loadProfile,
  type Profile,
  prodSecretProblems,
  profileProblems,
} from './profile.ts';

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function problemsOf(env: AppEnv, directory: string): readonly string[] {
  try {
    loadProfile(env, directory);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe.each(APP_ENVS)('the committed profile of %s', (env) => {
  it('is valid and names its environment', () => {
    expect(loadProfile(env).env).toBe(env);
  });

  it('has every PG by name and Toss on', () => {
    const { pgs } = loadProfile(env);
    expect(Object.keys(pgs).sort()).toEqual(['inicis', 'kakaopay', 'naverpay', 'stripe', 'toss']);
    expect(pgs.toss?.on).toBe(true);
  });

  it('has a live account of Toss whose secret comes from TOSS_LIVE_SECRET_KEY', () => {
    expect(loadProfile(env).accounts).toContainEqual({
      pg: 'toss',
      id: 'tosslive01',
      livemode: true,
      secretEnv: 'TOSS_LIVE_SECRET_KEY',
    });
  });

  it('looks for late captures after 10 minutes, an hour and a day', () => {
    expect(loadProfile(env).pgs.toss?.lateCaptureScheduleMs).toEqual([
      600_000, 3_600_000, 86_400_000,
    ]);
  });
});

describe('the profile local', () => {
  it('ends every inquiry schedule within two minutes, read timeouts of each step included', () => {
    const { inquiryScheduleMs, readTimeoutMs } = loadProfile('local').pgs.toss ?? {};
    const steps = inquiryScheduleMs ?? [];
    expect(sum(steps) + (steps.length + 1) * (readTimeoutMs ?? 0)).toBeLessThan(120_000);
  });

  it('alone lets every origin in', () => {
    const open = APP_ENVS.filter((env) => loadProfile(env).cors.origins.includes('*'));
    expect(open).toEqual(['local']);
  });
});

describe('the profile prod', () => {
  const prod = loadProfile('prod');

  it('has no account for test payments, whose keys prod refuses', () => {
    expect(prod.accounts.filter((account) => !account.livemode)).toEqual([]);
  });

  it('may believe "not found" before its inquiries end', () => {
    const { inquiryScheduleMs, connectTimeoutMs, readTimeoutMs, executionTimeMaxMs } = prod.pgs
      .toss as NonNullable<Profile['pgs'][string]>;
    const believedMs = connectTimeoutMs + readTimeoutMs + executionTimeMaxMs;
    expect(sum(inquiryScheduleMs)).toBeGreaterThan(believedMs);
  });

  it.each(['http://api.tosspayments.com', 'https://localhost', 'https://pg-simulator.example'])(
    'refuses %s as a base URL',
    (baseUrl) => {
      const toss = { ...(prod.pgs.toss as NonNullable<Profile['pgs'][string]>), baseUrl };
      expect(profileProblems({ ...prod, pgs: { ...prod.pgs, toss } }, 'prod')).toEqual([
        `prod refuses pgs.toss.baseUrl ${baseUrl}: it is a simulator`,
      ]);
    },
  );

  it.each(['*', 'https://*.example.com'])('refuses the CORS origin %s', (origin) => {
    expect(profileProblems({ ...prod, cors: { origins: [origin] } }, 'prod')).toEqual([
      'prod refuses a wildcard CORS origin',
    ]);
  });
});

describe('a profile', () => {
  const local = loadProfile('local');

  it('is refused with every problem at once', () => {
    const account = { pg: 'nopay', id: 'x', livemode: true, secretEnv: 'X' };
    const broken = { ...local, env: 'dev' as const, accounts: [account, account] };
    expect(profileProblems(broken, 'local')).toEqual([
      'env is dev, expected local',
      'account x: pg nopay is not in pgs',
      'two accounts for nopay, livemode true: one per PG and mode',
      'account x: pg nopay is not in pgs',
      'pgs.toss is on but has no account',
    ]);
  });

  it('is refused when a field is missing, unknown or out of range, each by its path', () => {
    const directory = mkdtempSync(join(tmpdir(), 'profile-'));
    const path = join(directory, 'local.json');
    const { limits: _, ...rest } = local;
    writeFileSync(path, JSON.stringify({ ...rest, cors: { origins: [] }, extra: 1 }));
    const problems = problemsOf('local', directory);
    expect(problems.some((line) => line.startsWith(`${path}: limits: `))).toBe(true);
    expect(problems.some((line) => line.includes('extra'))).toBe(true);
  });

  it('is refused when its file is missing or no JSON', () => {
    const directory = mkdtempSync(join(tmpdir(), 'profile-'));
    expect(problemsOf('local', directory)).toHaveLength(1);
    writeFileSync(join(directory, 'local.json'), '{');
    expect(problemsOf('local', directory)).toHaveLength(1);
  });
});

describe('a base URL', () => {
  it.each([
    ['https://api.tosspayments.com', false],
    ['http://127.0.0.1:7400', true],
    ['https://[::1]:7400', true],
    ['https://localhost:7400', true],
    ['http://pg-simulator:7400', true],
  ])('%s is a simulator: %s', (url, expected) => {
    expect(isSimulatorUrl(url)).toBe(expected);
  });
});

describe('a secret in prod', () => {
  it.each([
    ['test_sk_0123456789abcdef', 'K: prod refuses a test key'],
    ['test_gsk_0123456789abcdef', 'K: prod refuses a test key'],
    ['changeme-0123456789', 'K: prod refuses a default or short secret'],
    ['short', 'K: prod refuses a default or short secret'],
  ])('%s is refused', (value, problem) => {
    expect(prodSecretProblems('K', value)).toEqual([problem]);
  });

  it('of a live key of full length is taken', () => {
    expect(prodSecretProblems('K', 'live_sk_0123456789abcdef0123')).toEqual([]);
  });
});
