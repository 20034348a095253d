import type { PostgresClient } from '@mini-pg/database';
import { attemptColumns } from '../attempts/attempt.ts';
import { CANCEL_COLUMNS, type Cancel } from '../cancels/cancel.ts';
import type { LockedAttempt, LockedPayment } from './plan.ts';

/**
 * The rows of `payment_result` are locked first, in order, and the rest is read by later statements:
 * those see everything that was committed before the locks were got.
 */
const LOCK_PAYMENTS = {
  name: 'lock-payments',
  text: `
    select payment_id as "paymentId", count from payment_result
    where payment_id = any($1::uuid[]) order by payment_id for update`,
};

const READ_ATTEMPTS = {
  name: 'read-locked-attempts',
  text: `
    select ${attemptColumns('a')},
      case when a.state = 'READY' then exists (
        select from source_claim c
        where c.pg = a.pg and c.pg_account_id = a.pg_account_id and c.livemode = a.livemode
          and c.source_key = a.source_key and c.payment_id <> a.payment_id)
      else false end as "sourceTaken",
      (select o.payment_id from outcome o where o.payment_id = a.payment_id limit 1) is not null
        as "hasOutcome"
    from attempt a
    where a.payment_id = any($1::uuid[])
    order by a.id for update of a`,
};

/** In the order in which they run. */
const READ_CANCELS = {
  name: 'read-locked-cancels',
  text: `
    select ${CANCEL_COLUMNS} from cancel
    where payment_id = any($1::uuid[]) order by requested_at, id`,
};

const READ_EXCEPTIONS = {
  name: 'read-open-exceptions',
  text: `
    select payment_id as "paymentId", attempt_id as "attemptId", kind from exception
    where payment_id = any($1::uuid[]) and resolved_at is null`,
};

interface ExceptionKey {
  paymentId: string;
  attemptId: string;
  kind: string;
}

/**
 * Locks payments and reads all that a verdict about one of their attempts depends on. Their cancels
 * are read only where there are attempts of cancels, or where they are asked for.
 */
export async function readLocked(
  client: PostgresClient,
  paymentIds: readonly string[],
  { withCancels = false }: { readonly withCancels?: boolean } = {},
): Promise<ReadonlyMap<string, LockedPayment>> {
  const values = [[...paymentIds]];
  const counts = await client.query<{ paymentId: string; count: number }>({
    ...LOCK_PAYMENTS,
    values,
  });
  const attempts = await client.query<LockedAttempt & { hasOutcome: boolean }>({
    ...READ_ATTEMPTS,
    values,
  });
  const exceptions = await client.query<ExceptionKey>({ ...READ_EXCEPTIONS, values });
  const needsCancels = withCancels || attempts.rows.some(({ cancelId }) => cancelId !== null);
  const cancels = needsCancels
    ? (await client.query<Cancel>({ ...READ_CANCELS, values })).rows
    : [];
  const cancelsOf = Map.groupBy(cancels, ({ paymentId }) => paymentId);
  const attemptsOf = Map.groupBy(attempts.rows, ({ paymentId }) => paymentId);
  const exceptionsOf = Map.groupBy(exceptions.rows, ({ paymentId }) => paymentId);
  return new Map(
    counts.rows.map(({ paymentId, count }) => {
      const own = attemptsOf.get(paymentId) ?? [];
      const openExceptions = exceptionsOf.get(paymentId) ?? [];
      const hasOutcome = own[0]?.hasOutcome ?? false;
      const ownCancels = cancelsOf.get(paymentId) ?? [];
      return [
        paymentId,
        { paymentId, count, hasOutcome, attempts: own, cancels: ownCancels, openExceptions },
      ];
    }),
  );
}
