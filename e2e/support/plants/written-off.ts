import { newId } from '@mini-pg/runtime';
import { insertRow } from '../rows.ts';
import { cancelRow } from '../sound-cancels.ts';
import { attemptRow, captureOf, type SoundPayment } from '../sound-payments.ts';
import type { Plant, World } from './plant.ts';

const HOUR_MS = 3_600_000;

export const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);

/** An exception of a payment's attempt that an operator decided on two hours ago. */
export function addDecided(
  { pool }: Pick<World, 'pool'>,
  payment: SoundPayment,
  over: Record<string, unknown> = {},
): Promise<void> {
  return insertRow(pool, 'processor.exception', {
    id: newId(),
    kind: 'LATE_CAPTURE',
    payment_id: payment.paymentId,
    attempt_id: payment.attemptId,
    merchant_id: payment.merchantId,
    livemode: payment.livemode,
    detail: {},
    resolved_at: hoursAgo(2),
    resolution: 'settled by phone',
    resolved_by: 'kim',
    resolved_as: 'WRITE_OFF',
    ...over,
  });
}

/** What goes wrong with a payment after one of its exceptions was written off. */
export const WRITTEN_OFF_PLANTS: readonly Plant[] = [
  {
    rule: 'capture-has-attempt',
    what: 'a capture after the attempt was written off',
    also: ['failed-holds-no-money'],
    async plant(world) {
      const { books, ledger } = world;
      await addDecided(world, books.failed);
      ledger.push({ ...captureOf(books.failed), at: hoursAgo(1).toISOString() });
    },
  },
  {
    rule: 'failed-holds-no-money',
    what: 'a capture that an operator had given back, and that is still there',
    async plant(world) {
      const { books, ledger } = world;
      await addDecided(world, books.failed, { resolved_as: 'CANCEL' });
      ledger.push({ ...captureOf(books.failed), at: hoursAgo(3).toISOString() });
    },
  },
  {
    rule: 'refund-has-cancel',
    what: 'money given back by nobody after another refund was written off',
    async plant(world) {
      const { books, ledger } = world;
      await addDecided(world, books.late, { kind: 'CANCELLED_AT_PG' });
      const refund = { kind: 'CANCEL', pgTransactionId: 'tx-by-nobody', amount: 1_000 } as const;
      ledger.push({ ...captureOf(books.late), ...refund, at: hoursAgo(1).toISOString() });
    },
  },
  {
    rule: 'cancels-end-in-time',
    what: 'a cancel that waits since yesterday, of a payment whose approval was written off',
    async plant(world) {
      const { pool, books } = world;
      await addDecided(world, books.late, { kind: 'CONFLICTING_RESULT' });
      await insertRow(pool, 'processor.cancel', {
        ...{ ...cancelRow(books.late), id: newId(), amount: null, state: 'WAITING' },
        created_at: hoursAgo(24),
      });
    },
  },
  {
    rule: 'unknown-is-inquired',
    what: 'an unknown result beside one that was written off',
    async plant(world) {
      const { pool, books } = world;
      await addDecided(world, books.late, { kind: 'CONFLICTING_RESULT' });
      await insertRow(pool, 'processor.attempt', {
        ...attemptRow(books.late),
        ...{ id: newId(), operation: 'CANCEL', number: 9, state: 'UNKNOWN' },
        ...{ source_key: null, expires_at: null, called_at: books.late.at },
        ...{ pg_payment_id: books.late.pgPaymentId, pg_transaction_id: null },
        ...{ approved_at: null, closed_at: null, next_follow_up_at: null },
      });
    },
  },
];
