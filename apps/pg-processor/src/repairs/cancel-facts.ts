import type { PostgresPool } from '@mini-pg/database';
import type { OpenedAttempt } from '../calls/pg-calls.ts';
import type { CancelOrder } from '../decisions/decide-cancel.ts';
import type { CancelInquiryFacts } from '../decisions/decide-cancel-inquiry.ts';
import { CANCEL_ATTEMPTS_MAX, isLastInquiry, RESENDS_MAX } from './schedule.ts';

const READ_OTHERS = {
  name: 'read-other-cancels',
  text: `
    select state, pg_transaction_id as "pgTransactionId" from attempt
    where payment_id = $1 and id <> $2 and operation = 'CANCEL'
      and state in ('READY', 'CALLING', 'UNKNOWN', 'APPROVED')`,
};

export interface OtherCancels {
  /** Transactions at the PG that belong to other cancels of the payment. */
  readonly transactions: ReadonlySet<string>;
  /** Another one is under way, so that the PG may show a cancel which has no attempt yet. */
  readonly isAnotherOpen: boolean;
}

/** What the other attempts to cancel the same payment have come to. */
export async function readOtherCancels(
  pool: PostgresPool,
  { attempt }: OpenedAttempt,
): Promise<OtherCancels> {
  const { rows } = await pool.query<{ state: string; pgTransactionId: string | null }>({
    ...READ_OTHERS,
    values: [attempt.paymentId, attempt.id],
  });
  return {
    transactions: new Set(rows.flatMap(({ pgTransactionId }) => pgTransactionId ?? [])),
    isAnotherOpen: rows.some(({ state }) => state !== 'APPROVED'),
  };
}

export function cancelInquiryFacts(
  opened: OpenedAttempt,
  order: CancelOrder,
  { transactions }: OtherCancels,
): CancelInquiryFacts {
  const { attempt, connection } = opened;
  const { capability } = connection.gateway;
  const isKeyAlive = (attempt.sinceCalledMs ?? 0) < capability.idempotencyKeyLifetimeMs;
  return {
    order,
    others: transactions,
    reached: attempt.reached,
    notExecuted: attempt.notExecuted ? attempt.failure : null,
    mayResend:
      capability.ladders.CANCEL.includes('RESEND') &&
      isKeyAlive &&
      !attempt.answered &&
      attempt.resendCount < RESENDS_MAX,
    mayRetry: attempt.number < CANCEL_ATTEMPTS_MAX,
    isLast: isLastInquiry(connection.settings, attempt),
  };
}
