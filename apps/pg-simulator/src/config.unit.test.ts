import { type ConfigError, loadConfig } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { SIMULATOR_DEFAULTS, simulatorEnvSchema } from './config.ts';

const load = (environment: Record<string, string>) => loadConfig(simulatorEnvSchema, environment);

describe('the environment', () => {
  it('needs nothing', () => {
    expect(load({}).simulator).toEqual(SIMULATOR_DEFAULTS);
  });

  it('takes a list of keys', () => {
    const { simulator } = load({ SIMULATOR_TOSS_KEYS: 'test_sk_a, live_gsk_b' });
    expect(simulator.tossKeys).toEqual(['test_sk_a', 'live_gsk_b']);
  });

  it('reports every bad name at once', () => {
    const bad = { APP_ENV: 'prod', SIMULATOR_TOSS_KEYS: 'sk_a', WINDOWS_MAX: '0', PORT: 'x' };
    expect.assertions(1);
    try {
      load(bad);
    } catch (error) {
      const names = (error as ConfigError).problems.map((line) => line.split(':')[0]);
      expect(names.sort()).toEqual(Object.keys(bad).sort());
    }
  });
});
