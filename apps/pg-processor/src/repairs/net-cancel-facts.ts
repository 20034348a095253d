import type { PostgresPool } from '@mini-pg/database';
import type { OpenedAttempt } from '../calls/pg-calls.ts';
import type { AfterNetCancelFacts } from '../decisions/decide-net-cancel.ts';
import { isInWindow } from '../decisions/ladder.ts';
import { isLastInquiry, NET_CANCELS_MAX } from './schedule.ts';

const READ_APPROVAL = {
  name: 'read-approval-of-net-cancel',
  text: `
    select
      (extract(epoch from clock_timestamp() - a.called_at) * 1000)::float8 as "sinceCalledMs",
      (extract(epoch from clock_timestamp() - a.deadline_at) * 1000)::float8 as "sinceDeadlineMs",
      count(o.id)::int as count, coalesce(bool_or(o.reached), false) as reached
    from attempt a left join attempt o on o.payment_id = a.payment_id
      and o.reverses_id = a.id and o.operation = 'NET_CANCEL'
    where a.id = $1 group by a.id`,
};

/** An approval as one of its net-cancels has to know it. */
export interface Undone {
  readonly sinceCalledMs: number | null;
  readonly sinceDeadlineMs: number | null;
  /** How many net-cancels it has. */
  readonly count: number;
  /** One of them may have reached the PG. */
  readonly reached: boolean;
}

/** Reads the approval that an attempt undoes, or that it is itself. */
export async function readUndone(
  pool: PostgresPool,
  { attempt }: OpenedAttempt,
): Promise<Undone | null> {
  const values = [attempt.reversesId ?? attempt.id];
  const { rows } = await pool.query<Undone>({ ...READ_APPROVAL, values });
  return rows[0] ?? null;
}

/** Whether the approval surely was executed before the reading, or never is. */
export function mayBelieveNothing({ connection }: OpenedAttempt, undone: Undone | null): boolean {
  const { gateway, settings } = connection;
  const believeAfterMs = settings.executionTimeMaxMs + gateway.capability.visibilityDelayMs;
  return (undone?.sinceDeadlineMs ?? 0) > believeAfterMs;
}

export function afterNetCancelFacts(opened: OpenedAttempt, undone: Undone): AfterNetCancelFacts {
  const { attempt, connection, expected } = opened;
  const { capability } = connection.gateway;
  return {
    expected,
    reached: undone.reached,
    mayBelieveNotFound: mayBelieveNothing(opened, undone),
    // An approval is inquired itself only once the PG has refused to net-cancel it.
    mayNetCancel:
      attempt.operation === 'NET_CANCEL' &&
      capability.ladders.NET_CANCEL.includes('NET_CANCEL') &&
      undone.count < NET_CANCELS_MAX &&
      isInWindow(capability, undone.sinceCalledMs),
    mayCancel: capability.ladders.NET_CANCEL.includes('CANCEL'),
    isLast: isLastInquiry(connection.settings, attempt),
  };
}
