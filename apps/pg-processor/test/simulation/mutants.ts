import type { PgProfile } from '@mini-pg/runtime';
import { failureOf } from '../../src/decisions/decision.ts';
import { ATTEMPTS_MAX } from '../../src/repairs/schedule.ts';
import type { Results } from '../../src/results/results.ts';
import type { Database, StoreSwitches } from './store/database.ts';

/** A way to break the system on purpose, in the simulated store or worker and never in the product. */
export interface Mutant {
  readonly what: string;
  readonly store?: Partial<StoreSwitches>;
  readonly settings?: Partial<PgProfile>;
  readonly visibilityDelayMs?: number;
  /** Whether payment-api holds what its open cancels take. */
  readonly hasReserve?: boolean;
  /** Done with every sweep. */
  readonly sweep?: (database: Database, results: Results) => void;
}

export const MUTANTS = {
  'resend-with-new-key': {
    what: 'what is UNKNOWN is sent again with a new key, without an inquiry',
    sweep: resendUnknown,
  },
  'no-unique-keys': {
    what: 'attempts have no unique keys',
    store: { hasUniqueKeys: false },
  },
  'no-lock': {
    what: 'a result is recorded on what was read before, without the lock on its payment',
    store: { locksPayments: false },
  },
  'not-found-too-early': {
    what: '"not found" is believed before the PG must have executed and shown the call',
    settings: { executionTimeMaxMs: 0 },
    visibilityDelayMs: 0,
  },
  'row-after-call': {
    what: 'that an attempt is called is durable with its result, not before the call',
    store: { keepsClaims: false },
  },
  'no-reserve': {
    what: 'a cancel is taken without regard to those under way',
    hasReserve: false,
  },
  'nothing-to-undo-too-early': {
    what: 'that there is nothing to undo is believed while the approval may still be executed',
    store: { showsAgeOfApprovals: false },
  },
  'resolved-again': {
    what: 'an exception that was resolved is resolved again',
    store: { showsResolutions: false },
  },
} as const satisfies Record<string, Mutant>;

export type MutantName = keyof typeof MUTANTS;

function resendUnknown(database: Database, results: Results): void {
  for (const row of database.rows('attempt')) {
    if (row.state !== 'UNKNOWN' || row.operation !== 'APPROVE') continue;
    if (Number(row.number) >= ATTEMPTS_MAX) continue;
    const failure = failureOf('PROVIDER_UNAVAILABLE', 'no answer came: it is tried again');
    void results.record({
      attemptId: String(row.id),
      paymentId: String(row.payment_id),
      step: 'INQUIRY',
      owner: row.lease_owner === null ? null : String(row.lease_owner),
      decision: { kind: 'RETRY', failure },
      reached: true,
      answered: false,
      evidence: null,
      nextInquiryMs: 0,
    });
  }
}
