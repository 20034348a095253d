import type { Hooks } from './hooks.ts';
import type { Observation } from './observe.ts';
import type { Plan } from './plan.ts';
import type { Stage, Tenant } from './stage.ts';

/** What a case has to work with. */
export interface World {
  readonly plan: Plan;
  readonly hooks: Hooks;
  /** A request with a key and values of its own. */
  open(values?: Readonly<Record<string, string>>): Promise<Stage>;
}

/** How often something must have happened by now. */
export interface Effects {
  readonly stage: Stage;
  readonly count: number;
  readonly tenant?: Tenant;
}

export interface Played {
  readonly observations: readonly Observation[];
  readonly effects: readonly Effects[];
}

/** One way in which a request comes again, or nearly. */
export interface Case {
  readonly id: string;
  /** What is sent, for a reader. */
  readonly sent: string;
  /** What the plan has to have for it; why it cannot be played when that is missing. */
  lacks?(world: World): string | undefined;
  play(world: World): Promise<Played>;
}

/** The end of a case with one stage. */
export function happened(count: number, stage: Stage, ...observations: Observation[]): Played {
  return { observations, effects: [{ stage, count }] };
}
