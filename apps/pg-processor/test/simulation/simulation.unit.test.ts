import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { failureText } from './command.ts';
import { MUTANTS, type MutantName } from './mutants.ts';
import { runSeed, runSteps } from './run-history.ts';
import { shrink } from './shrink.ts';
import type { World } from './world.ts';

const TIMEOUT_MS = 300_000;
const FIXED_SEEDS = 600;
const FRESH_SEEDS = 100;
/** Runs within which each mutant has to be caught. */
const CAUGHT_WITHIN = 500;

/** What the histories came to: topics, and ends of attempts. */
const seen = new Set<string>();

/** Runs seeds until one fails; its shrunk history in words, or null when none did. */
async function firstFailure(from: number, runs: number): Promise<string | null> {
  for (let run = 0; run < runs; run += 1) {
    const { failure, world } = await runSeed(from + run);
    if (failure !== null) {
      return failureText(from + run, run + 1, await shrink(from + run, failure));
    }
    look(world);
  }
  return null;
}

function look({ published, database }: World): void {
  for (const { topic } of published) seen.add(topic);
  for (const { state, operation, resend_count, denials } of database.rows('attempt')) {
    seen.add(`${operation} ${state}`);
    if (Number(resend_count) > 0) seen.add(`${operation} sent again`);
    if (Number(denials) > 0) seen.add(`${operation} put off`);
  }
}

describe('payments and their cancels, in any order of things', { timeout: TIMEOUT_MS }, () => {
  it(`keep the money rules for seeds 1 to ${FIXED_SEEDS}`, async () => {
    expect(await firstFailure(1, FIXED_SEEDS)).toBeNull();
  });

  it('came to every kind of end', () => {
    expect([...seen]).toEqual(
      expect.arrayContaining([
        ...['APPROVE APPROVED', 'APPROVE DECLINED', 'APPROVE NOT_SENT', 'APPROVE sent again'],
        ...['CANCEL APPROVED', 'CANCEL DECLINED', 'CANCEL NOT_SENT', 'CANCEL sent again'],
        ...['APPROVE put off', 'CANCEL put off'],
        ...['payment.completed', 'payment.failed', 'payment.progressed'],
        ...['payment.cancelled', 'payment.cancel-failed'],
        ...['APPROVE REVERSED', 'payment.reversed'],
        ...['NET_CANCEL APPROVED', 'NET_CANCEL DECLINED', 'NET_CANCEL NOT_SENT'],
      ]),
    );
  });

  it(`keep the money rules for ${FRESH_SEEDS} fresh seeds`, async () => {
    const seed = randomInt(2 ** 32 - FRESH_SEEDS);
    console.log(`simulation: fresh seeds from ${seed}`);
    expect(await firstFailure(seed, FRESH_SEEDS)).toBeNull();
  });

  it('replay exactly', async () => {
    const [once, again] = [await runSeed(7), await runSeed(7)];
    expect(again.steps).toEqual(once.steps);
    expect(again.world.published).toEqual(once.world.published);
    expect(again.world.pg.movements).toEqual(once.world.pg.movements);
    expect(again.world.clock.nowMs).toBe(once.world.clock.nowMs);
  });
});

describe('a system that is broken on purpose', { timeout: TIMEOUT_MS }, () => {
  it.each(Object.keys(MUTANTS) as MutantName[])('is caught: %s', async (name) => {
    const mutant = MUTANTS[name];
    for (let seed = 1; seed <= CAUGHT_WITHIN; seed += 1) {
      const { failure } = await runSeed(seed, mutant);
      if (failure === null) continue;
      const shrunk = await shrink(seed, failure, mutant);
      console.log(`${mutant.what}\n${failureText(seed, seed, shrunk, name)}`);
      expect(shrunk.steps.length).toBeLessThanOrEqual(failure.steps.length);
      expect((await runSteps(seed, shrunk.steps, mutant)).failure).toEqual(shrunk);
      // What breaks is what was broken: the sound system stands the same history.
      expect((await runSteps(seed, shrunk.steps)).failure).toBeNull();
      return;
    }
    expect.fail(`not caught in ${CAUGHT_WITHIN} runs`);
  });
});
