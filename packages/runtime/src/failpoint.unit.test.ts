import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, eventEnvShape, loadConfig } from './config.ts';
import { armedBy, parseFailpoint } from './failpoint.ts';
import { FAILPOINTS } from './failpoints.ts';

const NAME = 'relay.before-publish';

describe('a failpoint in the environment', () => {
  it.each([
    [NAME, { name: NAME, hit: 1, signal: 'SIGKILL' }],
    [`${NAME}:3`, { name: NAME, hit: 3, signal: 'SIGKILL' }],
    [`${NAME}:pause`, { name: NAME, hit: 1, signal: 'SIGSTOP' }],
    [`${NAME}:2:pause`, { name: NAME, hit: 2, signal: 'SIGSTOP' }],
  ])('%s is armed', (text, armed) => {
    expect(parseFailpoint(text)).toEqual(armed);
  });

  it.each([
    ['relay.nowhere', 'there is no failpoint "relay.nowhere"'],
    ['', 'there is no failpoint ""'],
    [`${NAME}:0`, 'must be <name>[:<n>][:pause] with n from 1 to 1000000'],
    [`${NAME}:2:3`, 'must be <name>[:<n>][:pause] with n from 1 to 1000000'],
    [`${NAME}:stop`, 'must be <name>[:<n>][:pause] with n from 1 to 1000000'],
  ])('%j keeps a service from starting', (text, problem) => {
    expect(problemsOf({ FAILPOINT: text })).toEqual([`FAILPOINT: ${problem}`]);
  });

  it('is refused by prod, and does nothing there', () => {
    const environment = { FAILPOINT: NAME, CLOCK_OFFSET_MS: '1', APP_ENV: 'prod' };
    expect(problemsOf(environment)).toEqual([
      'FAILPOINT: prod refuses it: unset it',
      'CLOCK_OFFSET_MS: prod refuses it: unset it',
    ]);
    armedBy(environment)(NAME);
  });
});

describe('an armed process', () => {
  it('dies at the n-th time that it comes to the step, and says so', () => {
    const { signal, stdout, stderr } = runArmed(`${NAME}:2`);
    expect({ signal, stdout, stderr }).toEqual({
      signal: 'SIGKILL',
      stdout: 'another\nonce\n',
      stderr: `failpoint ${NAME}: hit 2, SIGKILL\n`,
    });
  });

  it('passes every step that is not armed', () => {
    expect(runArmed(undefined)).toMatchObject({ status: 0, stdout: 'another\nonce\ntwice\n' });
  });
});

describe('the list of failpoints', () => {
  const all = Object.entries(FAILPOINTS).flatMap(([owner, points]) =>
    Object.entries(points).map(([name, sentence]) => ({ owner, name, sentence })),
  );

  it('names the service of each, where it has only one', () => {
    const foreign = all.filter(
      ({ owner, name }) => owner !== 'every' && !name.startsWith(`${owner}.`),
    );
    expect(foreign).toEqual([]);
  });

  it('says of each in one sentence what stands then', () => {
    expect(all.filter(({ sentence }) => !/^[A-Z].*[^.]\.$/.test(sentence))).toEqual([]);
  });
});

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    loadConfig(z.object({ FAILPOINT: eventEnvShape.FAILPOINT }), environment);
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)];
  }
}

/** A process that comes to another step once and to the step twice. */
function runArmed(text: string | undefined) {
  const source = new URL('./failpoint.ts', import.meta.url).href;
  const program = `
    import { writeSync } from 'node:fs';
    import { failpoint } from ${JSON.stringify(source)};
    const step = (name, word) => { failpoint(name); writeSync(1, word + '\\n'); };
    step('relay.after-delete', 'another');
    step('${NAME}', 'once');
    step('${NAME}', 'twice');`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...(text !== undefined && { FAILPOINT: text }) },
  });
}
