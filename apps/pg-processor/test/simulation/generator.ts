import { type Random, seededRandom } from './random.ts';
import type { CallFate, PgCharacter } from './simulated-pg.ts';
import type { Step } from './steps.ts';
import { LOOPS } from './worker.ts';
import { type Setting, WORKERS, type World } from './world.ts';

/** Draws a history step by step from what may happen in a world as it stands. */
export class Generator {
  readonly setting: Omit<Setting, 'mutant'>;
  readonly stepsMax: number;
  readonly #random: Random;
  readonly #paymentsMax: number;

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.#random = random;
    this.setting = { character: characterOf(random), seed: random.below(2 ** 32) };
    this.stepsMax = 40 + random.below(120);
    this.#paymentsMax = 1 + random.below(3);
  }

  next(world: World): Step {
    const random = this.#random;
    const worker = random.below(WORKERS);
    const waiting = world.waitingOf(worker);
    if (world.payments.length === 0) return this.#pay();
    if (waiting > 0 && random.chance(0.5)) {
      return { do: 'go', worker, pick: random.below(waiting), whole: random.chance(0.7) };
    }
    if (world.requestCount > 0 && random.chance(0.35)) {
      const message = random.below(world.requestCount);
      return { do: 'deliver', worker, message, again: random.chance(0.25) };
    }
    return this.#rarer(world, worker);
  }

  #rarer(world: World, worker: number): Step {
    const random = this.#random;
    const turn = random.next();
    if (turn < 0.4) {
      return { do: 'start', worker, loop: random.pick(['dispatch', 'inquire', ...LOOPS]) };
    }
    if (turn < 0.65) return { do: 'pass', ms: this.#span() };
    if (turn < 0.73) return { do: 'crash', worker };
    if (turn < 0.8) return { do: 'relay', dies: random.chance(0.2) };
    if (turn < 0.87 && world.eventCount > 0) {
      const message = random.below(world.eventCount);
      return { do: 'project', message, again: random.chance(0.2) };
    }
    if (turn < 0.9) return { do: 'lose-inquiries', count: 1 + random.below(4) };
    if (turn < 0.93) return this.#cancel(world);
    if (world.exceptionCount > 0 && random.chance(0.6)) return this.#resolve(world, worker);
    if (turn < 0.96) return { do: 'ask-again', payment: random.below(world.payments.length) };
    return world.payments.length < this.#paymentsMax ? this.#pay() : { do: 'pass', ms: 1_000 };
  }

  #pay(): Step {
    const random = this.#random;
    const fates = Array.from({ length: 1 + random.below(3) }, () => this.#fate());
    const undone = this.setting.character.netCancels
      ? Array.from({ length: 1 + random.below(3) }, () => this.#fate())
      : [];
    return { do: 'pay', fates, undone, sharesSource: random.chance(0.2) };
  }

  #cancel(world: World): Step {
    const random = this.#random;
    return {
      do: 'cancel',
      payment: random.below(world.payments.length),
      part: random.chance(0.6) ? 1 + random.below(1_000) : null,
      fates: Array.from({ length: 1 + random.below(2) }, () => this.#fate()),
    };
  }

  #resolve(world: World, worker: number): Step {
    const random = this.#random;
    return {
      ...{ do: 'resolve', worker, exception: random.below(world.exceptionCount) },
      resolution: random.pick(['cancel', 'cancel', 'write-off', 'approve']),
    };
  }

  #fate(): CallFate {
    const random = this.#random;
    const { executionTimeMaxMs, visibilityDelayMs, keepsPromises } = this.setting.character;
    const afterMaxMs = keepsPromises ? executionTimeMaxMs : BROKEN_PROMISE_MS;
    return {
      executes: random.pick(['YES', 'YES', 'YES', 'REFUSES', 'NEVER']),
      afterMs: random.chance(0.4) ? 1 + random.below(afterMaxMs) : 0,
      hiddenMs: random.chance(0.3) ? 1 + random.below(visibilityDelayMs) : 0,
      answer: random.pick([
        'TRUTH',
        'TRUTH',
        'NONE',
        'NONE',
        'FAULT',
        'UNAVAILABLE',
        'UNREACHABLE',
      ]),
    };
  }

  /** A moment, the time of an inquiry, that of a lease, or more than a payment lasts. */
  #span(): number {
    const random = this.#random;
    const spans = random.chance(0.05) ? LONG_SPANS : SPANS;
    return random.pick(spans) + random.below(500);
  }
}

/** Later than a payment lasts, earlier than the last look at a closed attempt. */
const BROKEN_PROMISE_MS = 1_500_000;

const SPANS = [1, 300, 1_500, 6_000, 12_000, 20_000] as const;
const LONG_SPANS = [90_000, 700_000] as const;

function characterOf(random: Random): PgCharacter {
  const netCancels = random.chance(0.3);
  return {
    netCancels,
    hasKeys: !netCancels && random.chance(0.5),
    guards: random.chance(0.5),
    showsOpen: random.chance(0.5),
    executionTimeMaxMs: 60_000,
    visibilityDelayMs: 5_000,
    keepsPromises: random.chance(0.75),
  };
}
