import type { Verdict } from './verdict.ts';

/** A row of the matrix once it has run. */
export interface RowResult extends Verdict {
  readonly name: string;
  readonly what: string;
  /** From the fault until everything that was sent before had its outcome; infinite if never. */
  readonly recoveredMs: number;
}

/** Whether nothing was lost, nothing done twice, and no rule is broken. */
export function isSound({
  lost,
  double,
  faults,
}: Pick<Verdict, 'lost' | 'double' | 'faults'>): boolean {
  return lost.length === 0 && double.length === 0 && faults.length === 0;
}
