import type { Plan } from '../results/plan.ts';
import type { Finding } from './ask-pg.ts';
import type { Resolution } from './resolution.ts';

export interface ResolutionOrder {
  readonly resolution: Resolution;
  readonly kind: string;
  readonly attemptId: string;
  /** The PG's transaction that the operator means; null for any. */
  readonly pgTransactionId: string | null;
  /** Null where the PG was not asked. */
  readonly finding: Finding | null;
}

export type PlannedResolution =
  | { readonly kind: 'REFUSED'; readonly reason: string }
  | {
      readonly kind: 'DONE';
      /** Null where nothing but the exception changes. */
      readonly plan: Plan | null;
      readonly closes: boolean;
      /** The capture that is approved or given back, which must be of no other attempt. */
      readonly takes: { readonly attemptId: string; readonly pgTransactionId: string } | null;
    };

export function refuse(reason: string): PlannedResolution {
  return { kind: 'REFUSED', reason };
}
