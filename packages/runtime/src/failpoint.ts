import { writeSync } from 'node:fs';
import { z } from 'zod';
import { type FailpointName, isFailpointName } from './failpoints.ts';

/** What a process does to itself when it comes to a step the n-th time. */
export interface ArmedFailpoint {
  readonly name: FailpointName;
  /** Counted from 1. */
  readonly hit: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

const HITS_MAX = 1_000_000;
const STANDARD_ERROR = 2;

/**
 * `FAILPOINT` of the environment: `<name>[:<n>][:pause]`. The process kills itself by SIGKILL, or
 * stops itself by SIGSTOP, at the n-th time that it comes to the step, the first unless given.
 */
export const failpointSchema = z.string().transform((text, context): ArmedFailpoint => {
  const armed = parseFailpoint(text);
  if (typeof armed !== 'string') return armed;
  context.addIssue({ code: 'custom', message: armed });
  return z.NEVER;
});

/** The armed failpoint, or what is wrong with the text. */
export function parseFailpoint(text: string): ArmedFailpoint | string {
  const [name = '', ...rest] = text.split(':');
  if (!isFailpointName(name)) return `there is no failpoint ${JSON.stringify(name)}`;
  const isPause = rest.at(-1) === 'pause';
  const [count = '1', ...others] = isPause ? rest.slice(0, -1) : rest;
  const hit = /^[1-9]\d*$/.test(count) ? Number(count) : Number.NaN;
  if (others.length > 0 || !(hit <= HITS_MAX)) {
    return `must be <name>[:<n>][:pause] with n from 1 to ${HITS_MAX}`;
  }
  return { name, hit, signal: isPause ? 'SIGSTOP' : 'SIGKILL' };
}

/**
 * Marks a step at which this process may be made to die. Unless `FAILPOINT` arms one at the start
 * of the process, which `prod` refuses, it is an empty function for good.
 *
 * The environment is read here, and not handed in, because only a constant costs nothing.
 */
export const failpoint: (name: FailpointName) => void = armedBy(process.env);

export function armedBy(environment: NodeJS.ProcessEnv): (name: FailpointName) => void {
  const { FAILPOINT: text, APP_ENV: env } = environment;
  const armed = text === undefined || env === 'prod' ? '' : parseFailpoint(text);
  // What is wrong with it is said, with everything else, by whoever reads the configuration.
  return typeof armed === 'string' ? () => {} : counting(armed);
}

function counting(armed: ArmedFailpoint): (name: FailpointName) => void {
  let hits = 0;
  return (name) => {
    if (name !== armed.name) return;
    hits += 1;
    if (hits === armed.hit) end(armed);
  };
}

/** Told past the logger, whose lines would not get out in time. */
function end({ name, hit, signal }: ArmedFailpoint): void {
  writeSync(STANDARD_ERROR, `failpoint ${name}: hit ${hit}, ${signal}\n`);
  process.kill(process.pid, signal);
}
