import { describe, expect, it } from 'vitest';
import { Rules } from './rules.ts';
import { comeToRest } from './run-history.ts';
import type { Step } from './steps.ts';
import type { LoopName } from './worker.ts';
import { World } from './world.ts';

/* Histories that once broke a rule, as the simulation found them. */

const GOES_MAX = 50;
/** A lease is 17 s. */
const LONGER_THAN_A_LEASE_MS = 60_000;

/** A world whose PG executes nothing, answers nothing to calls, and shows what is open. */
function silentWorld(): { world: World; rules: Rules; does(...steps: Step[]): Promise<void> } {
  const world = new World({
    character: {
      hasKeys: true,
      netCancels: false,
      guards: true,
      showsOpen: true,
      executionTimeMaxMs: 60_000,
      visibilityDelayMs: 5_000,
      keepsPromises: true,
    },
    seed: 1,
    mutant: null,
  });
  return {
    world,
    rules: new Rules(world),
    async does(...steps) {
      for (const step of steps) await world.apply(step);
    },
  };
}

const start = (loop: LoopName): Step => ({ do: 'start', worker: 0, loop });
const go: Step = { do: 'go', worker: 0, pick: 0, whole: true };

async function goOn(world: World): Promise<void> {
  for (let goes = 0; goes < GOES_MAX && world.waitingOf(0) > 0; goes += 1) await world.apply(go);
}

describe('an inquirer that is slower than its lease', () => {
  it('sends nothing again, and fails at nothing', async () => {
    const { world, rules, does } = silentWorld();
    await world.clock.during(async () => {
      const fate = { executes: 'NEVER', afterMs: 0, hiddenMs: 0, answer: 'NONE' } as const;
      await does({ do: 'pay', fates: [fate], undone: [], sharesSource: false });
      await does({ do: 'deliver', worker: 0, message: 0, again: false });
      await goOn(world);
      await does(start('dispatch'));
      await goOn(world);
      await does({ do: 'pass', ms: 1_500 }, start('inquire'), go, go);
      await does({ do: 'pass', ms: LONGER_THAN_A_LEASE_MS });
      await goOn(world);
      expect(world.database.rows('attempt')).toMatchObject([{ state: 'UNKNOWN', resend_count: 0 }]);
      expect(world.failures).toEqual([]);
      expect(await comeToRest(world, rules)).toBeNull();
    });
  });
});
