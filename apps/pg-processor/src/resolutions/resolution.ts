import { z } from 'zod';
import type { ExceptionKind } from '../decisions/decision.ts';

/** How an operator brings an exception to its end, as a request and as the database spells it. */
export const RESOLUTIONS = {
  /** The capture is given back at the PG; the exception closes once that is done. */
  cancel: 'CANCEL',
  /** Closed with a reason; the money stays as it is. */
  'write-off': 'WRITE_OFF',
  /** The payment is approved, by what the PG shows now. */
  approve: 'APPROVE',
} as const;

export type Resolution = keyof typeof RESOLUTIONS;

const REASON_LENGTH_MAX = 200;

export const resolutionRequestSchema = z.strictObject({
  resolution: z.enum(Object.keys(RESOLUTIONS) as [Resolution, ...Resolution[]]),
  reason: z.string().trim().min(1).max(REASON_LENGTH_MAX),
  /** The PG's transaction that is meant; another one is refused. */
  pgTransactionId: z.string().min(1).max(200).optional(),
});

export type ResolutionRequest = z.output<typeof resolutionRequestSchema>;

/** What the exceptions tell of that are about money at a PG; they close when it is given back. */
export const TELL_OF_HELD_MONEY = [
  'LATE_CAPTURE',
  'UNPROVEN_CAPTURE',
  'OUTCOME_UNKNOWN',
  'MISMATCH',
  'CANCELLED_AT_PG',
  'DEPOSIT_PAID',
  'DEPOSIT_NOT_CANCELLED',
] as const satisfies readonly ExceptionKind[];
