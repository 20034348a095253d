import { Generator } from './generator.ts';
import type { Mutant } from './mutants.ts';
import { Rules } from './rules.ts';
import type { Step } from './steps.ts';
import { LOOPS } from './worker.ts';
import { type Setting, WORKERS, World } from './world.ts';

/** A history in which a rule broke. */
export interface Failure {
  readonly problem: string;
  readonly steps: readonly Step[];
}

export interface Outcome {
  readonly failure: Failure | null;
  /** The steps that happened, before faults ended. */
  readonly steps: readonly Step[];
  /** What was seen, to know that a run is not empty. */
  readonly world: World;
}

/** Draws the history of a seed and holds it to the rules, after each step and at rest. */
export function runSeed(seed: number, mutant: Mutant | null = null): Promise<Outcome> {
  return playSeed(seed, new World({ ...new Generator(seed).setting, mutant }));
}

/** The same in a world that is given: one of the seed's setting. */
export async function playSeed(seed: number, world: World): Promise<Outcome> {
  const generator = new Generator(seed);
  const steps: Step[] = [];
  const next = () => (steps.length < generator.stepsMax ? generator.next(world) : null);
  return world.clock.during(() => play(world, next, steps));
}

/** Plays a history that is given, in the world of a seed. */
export async function runSteps(
  seed: number,
  given: readonly Step[],
  mutant: Mutant | null = null,
): Promise<Outcome> {
  const world = new World({ ...new Generator(seed).setting, mutant } satisfies Setting);
  const left = given.values();
  return world.clock.during(() => play(world, () => left.next().value ?? null, []));
}

async function play(world: World, next: () => Step | null, steps: Step[]): Promise<Outcome> {
  const rules = new Rules(world);
  for (let step = next(); step !== null; step = next()) {
    steps.push(step);
    if (!(await world.apply(step))) continue;
    const problem = rules.broken();
    if (problem !== null) return { failure: { problem, steps }, steps, world };
  }
  const problem =
    (await comeToRest(world, rules)) ??
    (await decide(world, rules)) ??
    (await comeToRest(world, rules));
  return { failure: problem === null ? null : { problem, steps }, steps, world };
}

const DECISIONS = ['cancel', 'approve', 'write-off'] as const;

/** What waits for operators at rest is decided by two at the same moment, and once more. */
async function decide(world: World, rules: Rules): Promise<string | null> {
  for (let exception = 0; exception < world.exceptionCount; exception += 1) {
    const resolution = DECISIONS[(world.seed + exception) % DECISIONS.length] ?? 'cancel';
    for (const workers of [[0, 1], [0]]) {
      for (const worker of workers) {
        await world.apply({ do: 'resolve', worker, exception, resolution });
      }
      await goOn(world, exception % WORKERS);
      const problem = rules.broken();
      if (problem !== null) return problem;
    }
  }
  return null;
}

const ROUNDS_MAX = 200;
const GOES_MAX = 2_000;
const DELIVERIES_MAX = 100;

/** Faults end, and time passes until nothing is left to do: what is wrong then, or on the way. */
export async function comeToRest(world: World, rules: Rules): Promise<string | null> {
  await world.apply({ do: 'lose-inquiries', count: 0 });
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const problem = await goRound(world, rules);
    if (problem !== null) return problem;
    const nextMs = nextDueMs(world);
    if (nextMs === null) return rules.brokenAtRest();
    await world.apply({ do: 'pass', ms: Math.max(0, Math.ceil(nextMs) - world.clock.nowMs) + 1 });
  }
  return `the system does not come to rest in ${ROUNDS_MAX} rounds`;
}

/** Everything is delivered, and every worker does all that it can do at this moment. */
async function goRound(world: World, rules: Rules): Promise<string | null> {
  for (let count = 0; world.requestCount > 0 && count < DELIVERIES_MAX; count += 1) {
    await world.apply({ do: 'deliver', worker: count % WORKERS, message: 0, again: false });
    await goOn(world, count % WORKERS);
    if (rules.broken() !== null) break;
  }
  for (let worker = 0; worker < WORKERS; worker += 1) {
    for (const loop of LOOPS) {
      await world.apply({ do: 'start', worker, loop });
      await goOn(world, worker);
      const problem = rules.broken();
      if (problem !== null) return problem;
    }
  }
  await world.apply({ do: 'relay', dies: false });
  while (world.eventCount > 0) await world.apply({ do: 'project', message: 0, again: false });
  return rules.broken();
}

/** Brings all that waits to its end, the other worker's too where it holds a lock. */
async function goOn(world: World, first: number): Promise<void> {
  const isAnyDone = async (): Promise<boolean> => {
    for (let offset = 0; offset < WORKERS; offset += 1) {
      const worker = (first + offset) % WORKERS;
      for (let pick = 0; pick < world.waitingOf(worker); pick += 1) {
        if (await world.apply({ do: 'go', worker, pick, whole: true })) return true;
      }
    }
    return false;
  };
  for (let goes = 0; goes < GOES_MAX && (await isAnyDone()); ) goes += 1;
}

/** When something is to be done next; null when nothing is. */
function nextDueMs(world: World): number | null {
  const due = world.database.rows('attempt').flatMap((row) => {
    const times = [row.next_inquiry_at, row.next_follow_up_at];
    if (row.state === 'READY') times.push(row.next_attempt_at, row.expires_at);
    if (row.state === 'CALLING') times.push(row.lease_until);
    return times.flatMap((at) => (at === null ? [] : [Number(at)]));
  });
  const work = world.pg.nextWorkMs;
  const all = work === null ? due : [...due, work];
  return all.length === 0 ? null : Math.min(...all);
}
