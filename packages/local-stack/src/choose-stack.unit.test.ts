import { describe, expect, it } from 'vitest';
import { chooseStack } from './choose-stack.ts';

const URLS = {
  STACK_POSTGRES_URL: 'postgres://localhost/postgres',
  STACK_REDIS_URL: 'redis://localhost',
  STACK_KAFKA_BROKERS: 'localhost:9092',
};

describe('the choice of a stack', () => {
  it('takes URLs before anything else', () => {
    expect(chooseStack(URLS).kind).toBe('external');
  });

  it('falls back to native processes', () => {
    expect(chooseStack({})).toEqual({ kind: 'native', why: 'no server URLs in the environment' });
  });

  it('lets STACK overrule the URLs', () => {
    expect(chooseStack({ ...URLS, STACK: 'native' })).toEqual({
      kind: 'native',
      why: 'STACK=native',
    });
  });

  it('names the URLs that STACK=external lacks', () => {
    const { STACK_REDIS_URL: _, ...rest } = URLS;
    expect(() => chooseStack({ ...rest, STACK: 'external' })).toThrow(
      'STACK=external: STACK_REDIS_URL not set.',
    );
  });

  it('refuses half of the URLs instead of ignoring them', () => {
    expect(() => chooseStack({ STACK_REDIS_URL: 'redis://localhost' })).toThrow(
      /^STACK_POSTGRES_URL, STACK_KAFKA_BROKERS not set: set all of/,
    );
  });

  it('says that Docker is not supported yet', () => {
    expect(() => chooseStack({ STACK: 'docker' })).toThrow('STACK=docker: not supported yet');
  });

  it('lists the kinds when STACK is unknown', () => {
    expect(() => chooseStack({ STACK: 'podman' })).toThrow(
      'STACK=podman is unknown: use one of external, docker, native.',
    );
  });
});
