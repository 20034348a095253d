import { type Scenario, ScenarioError, type ScenarioReader } from './scenario.ts';

export interface MixSettings {
  readonly seed: number;
  readonly latencyMs: number;
  /** Weight by scenario; a share is its weight over the sum. */
  readonly scenarios: Readonly<Record<string, number>>;
}

/** Picks a scenario for each window that names none: the same seed gives the same row of picks. */
export class Mix {
  readonly settings: MixSettings;
  readonly #choices: readonly {
    readonly upTo: number;
    readonly scenario: Scenario;
    readonly text: string;
  }[];
  readonly #random: () => number;

  /** @throws ScenarioError for a scenario that is none, or when no weight is above 0. */
  constructor(settings: MixSettings, scenarios: ScenarioReader) {
    this.settings = settings;
    this.#random = seededRandom(settings.seed);
    let sum = 0;
    this.#choices = Object.entries(settings.scenarios).map(([text, weight]) => {
      sum += weight;
      return { upTo: sum, scenario: scenarios.read(text), text };
    });
    if (!(sum > 0)) throw new ScenarioError('a mix needs a scenario with a weight above 0');
  }

  pick(): { scenario: Scenario; text: string } {
    const total = this.#choices.at(-1)?.upTo ?? 0;
    const at = this.#random() * total;
    const choice = this.#choices.find(({ upTo }) => at < upTo) ?? this.#choices.at(-1);
    if (!choice) throw new Error('a mix without choices');
    return choice;
  }
}

/** mulberry32: small, fast, good enough to draw scenarios; 0 to below 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
