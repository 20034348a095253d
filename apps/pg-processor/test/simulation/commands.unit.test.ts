import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rules } from './rules.ts';
import { comeToRest } from './run-history.ts';
import type { CallFate, PgCharacter } from './simulated-pg.ts';
import { type Step, stepText } from './steps.ts';
import { LOOPS } from './worker.ts';
import { WORKERS, World } from './world.ts';

/*
 * The steps of the simulation as commands of a model test: fast-check draws and shrinks the
 * histories, and knows of each payment only what a merchant knows.
 */
const RUNS = 100;
const COMMANDS_MAX = 80;
const TIMEOUT_MS = 120_000;

/** What a merchant can say: how many payments it asked for. */
interface Model {
  payments: number;
}

interface Real {
  readonly world: World;
  readonly rules: Rules;
}

class StepCommand implements fc.AsyncCommand<Model, Real> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check({ payments }: Readonly<Model>): boolean {
    return payments > 0 || this.#step.do === 'pay';
  }

  async run(model: Model, { world, rules }: Real): Promise<void> {
    await world.apply(this.#step);
    if (this.#step.do === 'pay') model.payments += 1;
    expect(world.payments.length).toBe(model.payments);
    expect(rules.broken()).toBeNull();
  }

  toString(): string {
    return stepText(this.#step);
  }
}

const worker = fc.nat(WORKERS - 1);
const few = fc.nat(5);
const fate: fc.Arbitrary<CallFate> = fc.record({
  executes: fc.constantFrom('YES', 'REFUSES', 'NEVER'),
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })),
  hiddenMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5_000 })),
  answer: fc.constantFrom('TRUTH', 'NONE', 'FAULT', 'UNAVAILABLE', 'UNREACHABLE'),
});
const fates = fc.array(fate, { minLength: 1, maxLength: 3 });

const go = fc.record({
  do: fc.constant('go' as const),
  worker,
  pick: few,
  whole: fc.boolean(),
});

const part: fc.Arbitrary<number | null> = fc.option(fc.integer({ min: 1, max: 1_000 }));

const steps: fc.Arbitrary<Step>[] = [
  fc.record({
    do: fc.constant('pay' as const),
    ...{ fates, undone: fates, sharesSource: fc.boolean() },
  }),
  fc.record({
    do: fc.constant('cancel' as const),
    payment: few,
    part,
    fates,
  }),
  fc.record({ do: fc.constant('ask-again' as const), payment: few }),
  fc.record({
    do: fc.constant('deliver' as const),
    worker,
    message: few,
    again: fc.boolean(),
  }),
  fc.record({ do: fc.constant('start' as const), worker, loop: fc.constantFrom(...LOOPS) }),
  go,
  go,
  go,
  fc.record({ do: fc.constant('crash' as const), worker }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 30_000 }) }),
  fc.record({ do: fc.constant('relay' as const), dies: fc.boolean() }),
  fc.record({ do: fc.constant('project' as const), message: few, again: fc.boolean() }),
  fc.record({
    do: fc.constant('lose-inquiries' as const),
    count: fc.integer({ min: 1, max: 5 }),
  }),
];

const character: fc.Arbitrary<PgCharacter> = fc
  .record({
    hasKeys: fc.boolean(),
    netCancels: fc.boolean(),
    guards: fc.boolean(),
    showsOpen: fc.boolean(),
    executionTimeMaxMs: fc.constant(60_000),
    visibilityDelayMs: fc.constant(5_000),
    keepsPromises: fc.constant(true),
  })
  .map((drawn) => ({ ...drawn, hasKeys: drawn.hasKeys && !drawn.netCancels }));

describe('the steps of the simulation as commands', { timeout: TIMEOUT_MS }, () => {
  it('keep the money rules in every order, and come to rest', async () => {
    const commands = fc.commands(
      steps.map((step) => step.map((one) => new StepCommand(one))),
      { maxCommands: COMMANDS_MAX },
    );
    await fc.assert(
      fc.asyncProperty(character, fc.nat(), commands, async (pg, seed, drawn) => {
        const world = new World({ character: pg, seed, mutant: null });
        const real = { world, rules: new Rules(world) };
        await world.clock.during(async () => {
          await fc.asyncModelRun(() => ({ model: { payments: 0 }, real }), drawn);
          expect(await comeToRest(world, real.rules)).toBeNull();
        });
      }),
      { numRuns: RUNS },
    );
  });
});
