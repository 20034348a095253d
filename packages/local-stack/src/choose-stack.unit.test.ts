import { describe, expect, it, vi } from 'vitest';
import { chooseStack, type Offer } from './choose-stack.ts';

const URLS = {
  STACK_POSTGRES_URL: 'postgres://localhost/postgres',
  STACK_REDIS_URL: 'redis://localhost',
  STACK_KAFKA_BROKERS: 'localhost:9092',
};

const withDocker = async (): Promise<Offer> => ({ available: true, why: 'it answers' });
const withoutDocker = async (): Promise<Offer> => ({
  available: false,
  refusal: 'no Docker daemon answers',
});

describe('the choice of a stack', () => {
  it('takes URLs before anything else, and asks nobody', async () => {
    const askDocker = vi.fn(withDocker);
    expect((await chooseStack(URLS, askDocker)).kind).toBe('external');
    expect(askDocker).not.toHaveBeenCalled();
  });

  it('takes Docker where it can be used', async () => {
    expect(await chooseStack({}, withDocker)).toEqual({ kind: 'docker', why: 'it answers' });
  });

  it('falls back to native processes, and says what is in the way of Docker', async () => {
    expect(await chooseStack({}, withoutDocker)).toEqual({
      kind: 'native',
      why: 'no Docker daemon answers',
    });
  });

  it('lets STACK overrule the URLs and Docker', async () => {
    expect(await chooseStack({ ...URLS, STACK: 'native' }, withDocker)).toEqual({
      kind: 'native',
      why: 'STACK=native',
    });
    expect((await chooseStack({ ...URLS, STACK: 'docker' }, withDocker)).kind).toBe('docker');
  });

  it('names the URLs that STACK=external lacks', async () => {
    const { STACK_REDIS_URL: _, ...rest } = URLS;
    await expect(chooseStack({ ...rest, STACK: 'external' }, withDocker)).rejects.toThrow(
      'STACK=external: STACK_REDIS_URL not set: set all three, or use STACK=native.',
    );
  });

  it('refuses half of the URLs instead of ignoring them', async () => {
    await expect(chooseStack({ STACK_REDIS_URL: 'redis://localhost' }, withDocker)).rejects.toThrow(
      /^STACK_POSTGRES_URL, STACK_KAFKA_BROKERS not set: set all of/,
    );
  });

  it('says in one line why STACK=docker cannot be had, and what to do', async () => {
    await expect(chooseStack({ STACK: 'docker' }, withoutDocker)).rejects.toThrow(
      /^STACK=docker: no Docker daemon answers\. Mend that, or use STACK=native.*$/,
    );
  });

  it('lists the kinds when STACK is unknown', async () => {
    await expect(chooseStack({ STACK: 'podman' }, withDocker)).rejects.toThrow(
      'STACK=podman is unknown: use one of external, docker, native.',
    );
  });
});
