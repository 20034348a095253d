import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, eventEnvShape, loadConfig, secretSchema, serviceEnvShape } from './config.ts';

const schema = z.object({ ...serviceEnvShape, ...eventEnvShape, SEAL_KEYS: secretSchema });

const GOOD = {
  DATABASE_URL: 'postgres://minipg:hunter2hunter2@localhost/minipg',
  KAFKA_BROKERS: 'localhost:9092',
  SEAL_KEYS: 'k1:c2VjcmV0',
};

const problemsOf = (environment: Record<string, string | undefined>) => {
  try {
    loadConfig(schema, environment);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
};

describe('the configuration', () => {
  it('has defaults for what need not be said', () => {
    expect(loadConfig(schema, GOOD)).toMatchObject({
      APP_ENV: 'local',
      HOST: '127.0.0.1',
      PORT: 0,
      LOG_LEVEL: 'info',
      TOPIC_PREFIX: '',
    });
  });

  it('reports every bad name at once', () => {
    const problems = problemsOf({
      APP_ENV: 'production',
      PORT: '70000',
      DATABASE_URL: 'mysql://localhost',
      LOG_LEVEL: 'loud',
    });
    expect(problems.map((line) => line.split(':')[0])).toEqual([
      'APP_ENV',
      'PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'SEAL_KEYS',
    ]);
    expect(problems.at(-1)).toMatch(/^SEAL_KEYS: is missing: set it/);
  });

  it.each([
    ['brokers without a port', { KAFKA_BROKERS: 'localhost' }],
    ['a URL of another scheme', { DATABASE_URL: 'mysql://localhost/minipg' }],
    ['a URL that is none', { DATABASE_URL: 'postgres://minipg:p@[localhost/minipg' }],
    ['an empty secret', { SEAL_KEYS: '' }],
    ['a port that is no number', { PORT: 'http' }],
  ])('refuses %s', (_what, change) => {
    expect(problemsOf({ ...GOOD, ...change })).toHaveLength(1);
  });

  it('prints no secret, however it is printed', () => {
    const config = loadConfig(schema, GOOD);
    const printed = [inspect(config), JSON.stringify(config), `${config.SEAL_KEYS}`].join();
    expect(printed).not.toMatch(/hunter2|c2VjcmV0/);
    expect(config.SEAL_KEYS.reveal()).toBe('k1:c2VjcmV0');
  });
});
