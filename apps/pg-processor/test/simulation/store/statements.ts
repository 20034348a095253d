import type { VirtualClock } from '../virtual-clock.ts';
import { type Database, type Transaction, UniqueViolation } from './database.ts';
import { camelCase, type Row, rowsOf } from './rows.ts';

/** What a statement finds: the database, the time, the transaction that it is in, its own text. */
export interface Execution {
  readonly database: Database;
  readonly clock: VirtualClock;
  readonly transaction: Transaction;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The rows that a statement gives, or that it waits for a lock. */
export type Given = readonly Row[] | 'BLOCKED';

/** The statements of pg-processor by their names, each stating the rule of its text. */
export const STATEMENTS: Readonly<Record<string, (execution: Execution) => Given>> = {
  'store-payment-requests': storePaymentRequests,
  'store-cancel-requests': storeCancelRequests,
  'read-due-cancels': readDueCancels,
  'read-locked-cancels': readLockedCancels,
  'read-other-cancels': readOtherCancels,
  'read-approval-of-net-cancel': readApprovalOfNetCancel,
  'read-exception': readException,
  'lock-exception': readException,
  'read-attempts-of-exception': readAttemptsOfException,
  'read-foreign-capture': readForeignCapture,
  'close-exception': closeException,
  'insert-operator-action': insertOperatorAction,
  'move-cancels': moveCancels,
  'claim-attempts': claimAttempts,
  'read-leases': readLeases,
  'lock-payments': lockPayments,
  'read-locked-attempts': readLockedAttempts,
  'read-open-exceptions': readOpenExceptions,
  'write-results': writeResults,
  'reclaim-sources': reclaimSources,
  'insert-further-attempts': insertFurtherAttempts,
  'insert-exceptions': insertExceptions,
  'resolve-exceptions': resolveExceptions,
  'keep-answered': keepAnswered,
  'find-due-retries': findDueRetries,
  'read-due-retries': readDueRetries,
  'write-admissions': writeAdmissions,
  'lock-retry-budgets': lockRetryBudgets,
  'write-retry-budgets': writeRetryBudgets,
  'claim-inquiries': claimInquiries,
  'claim-follow-ups': claimFollowUps,
  'start-resend': startResend,
  'read-source-claim': readSourceClaim,
  'read-leases-over': readLeasesOver,
  'read-expired': readExpired,
  'read-overdue': () => [],
};

const FRESH_ATTEMPT: Row = {
  cancel_id: null,
  reverses_id: null,
  cancel_amount: null,
  cancel_tax_free_amount: null,
  cancel_remaining_before: null,
  cancel_reason: null,
  next_attempt_at: 0,
  lease_owner: null,
  lease_until: null,
  called_at: null,
  deadline_at: null,
  reached: false,
  answered: false,
  not_executed: false,
  admitted: false,
  denials: 0,
  inquiry_count: 0,
  next_inquiry_at: null,
  resend_count: 0,
  follow_up_count: 0,
  next_follow_up_at: null,
  pg_payment_id: null,
  pg_transaction_id: null,
  pg_status: null,
  pg_code: null,
  pg_trace_id: null,
  http_status: null,
  method_detail: null,
  failure: null,
  approved_at: null,
  closed_at: null,
};

function storePaymentRequests({ database, clock, transaction, text, values }: Execution): Given {
  const asked = rowsOf(text, values, 'a');
  const fresh = asked.filter((row) => {
    if (!database.switches.hasUniqueKeys) return true;
    return !database.rows('attempt').some((other) => isSameNumber(other, row));
  });
  const failed = rowsOf(text, values, 'f');
  const toldBefore = asked.flatMap(({ payment_id }) => {
    const outcome = database.row('outcome', String(payment_id));
    return outcome === undefined ? [] : [outcome];
  });
  for (const row of fresh) {
    const id = String(row.payment_id);
    const isFailed = row.state === 'NOT_SENT';
    database.put(transaction, 'attempt', String(row.id), {
      ...FRESH_ATTEMPT,
      ...row,
      operation: 'APPROVE',
      number: 1,
      next_attempt_at: clock.nowMs,
      closed_at: isFailed ? clock.nowMs : null,
    });
    if (database.row('payment_result', id)) continue;
    database.put(transaction, 'payment_result', id, { payment_id: id, count: isFailed ? 1 : 0 });
    const told = failed.find(({ payment_id }) => payment_id === id);
    if (told === undefined) continue;
    const { merchant_id, livemode, traceparent } = row;
    const about = { merchant_id, livemode, traceparent, attempt_id: row.id };
    const outcome = { ...told, ...about, kind: 'FAILED', sequence: 1 };
    conclude(database, transaction, outcome);
    publish(database, transaction, outcome);
  }
  for (const outcome of toldBefore) publish(database, transaction, outcome);
  // Without unique keys one event may be both, which nobody can count.
  const told = database.switches.hasUniqueKeys ? toldBefore.length : 0;
  return [{ fresh: fresh.length, failed: failed.length, told }];
}

function isSameNumber(other: Row, row: Row): boolean {
  return other.payment_id === row.payment_id && other.operation === 'APPROVE' && other.number === 1;
}

function conclude(database: Database, transaction: Transaction, outcome: Row): void {
  const id = String(outcome.payment_id);
  database.insert(transaction, 'outcome', id, outcome, 'outcome_one_per_payment');
}

function publish(database: Database, transaction: Transaction, event: Row): void {
  const seq = database.nextSequence();
  const { event_id, topic, payload } = event;
  database.put(transaction, 'outbox', String(seq), { seq, event_id, topic, payload });
}

const LOSER_PAUSE_MS = 5_000;

function claimAttempts({ database, clock, transaction, values }: Execution): Given {
  const [pgs, free, leaseMs, owner] = values as [string[], number[], number[], string];
  const now = clock.nowMs;
  const due = pgs.flatMap((pg, index) =>
    database
      .rows('attempt')
      .filter((row) => row.pg === pg && mayBeClaimed(database, row, now))
      .sort(by('next_attempt_at'))
      .slice(0, free[index])
      .map((row) => ({ row, leaseMs: leaseMs[index] ?? 0 })),
  );
  // All of one statement see the claims as they were before it, and its own as they are inserted.
  const before = new Set(database.rows('source_claim').map(claimKeyAndOwner));
  const won = new Set<unknown>();
  for (const { row } of [...due].sort((a, b) => compare(claimKey(a.row), claimKey(b.row)))) {
    if (row.source_key === null || database.row('source_claim', claimKey(row))) continue;
    database.put(transaction, 'source_claim', claimKey(row), {
      ...claimOf(row),
      attempt_id: row.id,
    });
    won.add(row.id);
  }
  const moved = due.map(({ row, leaseMs: ms }): Row => {
    const isWon = row.source_key === null || won.has(row.id) || before.has(claimKeyAndOwner(row));
    return isWon
      ? {
          ...row,
          state: 'CALLING',
          lease_owner: owner,
          lease_until: now + ms,
          deadline_at: now + ms,
          called_at: now,
        }
      : {
          ...row,
          lease_owner: null,
          lease_until: null,
          deadline_at: null,
          called_at: null,
          next_attempt_at: now + LOSER_PAUSE_MS,
        };
  });
  for (const row of moved) database.put(transaction, 'attempt', String(row.id), row);
  return moved.map((row) => attemptOf(row, now));
}

function mayBeClaimed(database: Database, row: Row, now: number): boolean {
  if (row.state !== 'READY' || Number(row.next_attempt_at) > now) return false;
  if (row.expires_at !== null && Number(row.expires_at) <= now) return false;
  if (database.areAttemptsLocked(String(row.payment_id))) return false;
  if (!database.switches.hasUniqueKeys) return true;
  const others = attemptsOf(database, row.payment_id);
  const isOneCalled = others.some(({ state }) => state === 'CALLING');
  const isOneLive = others.some(
    ({ operation, state }) =>
      operation === 'APPROVE' && ['CALLING', 'UNKNOWN', 'APPROVED'].includes(String(state)),
  );
  const isOneCancelled = cancelsOf(database, row.payment_id).some(isWaiting);
  return !isOneCalled && (row.operation !== 'APPROVE' || !(isOneLive || isOneCancelled));
}

function storeCancelRequests({ database, transaction, text, values }: Execution): Given {
  const asked = rowsOf(text, values, 'c');
  const fresh = asked.filter(({ id }) => database.row('cancel', String(id)) === undefined);
  for (const row of fresh) {
    database.put(transaction, 'cancel', String(row.id), { ...FRESH_CANCEL, ...row });
  }
  const known = asked.filter((row) => !fresh.includes(row));
  const toldBefore = known.flatMap(({ id }): Row[] => {
    const cancel = database.row('cancel', String(id)) ?? FRESH_CANCEL;
    if (cancel.event_id !== null) return [cancel];
    const outcome = database.row('outcome', String(cancel.payment_id));
    return cancel.state === 'DONE' && outcome !== undefined ? [outcome] : [];
  });
  // Two cancels of one payment may be told by one event.
  const events = new Map(toldBefore.map((event) => [event.event_id, event]));
  for (const event of [...events.values()].sort(by('payment_id'))) {
    publish(database, transaction, event);
  }
  return [{ fresh: fresh.length, told: events.size }];
}

const FRESH_CANCEL: Row = {
  state: 'WAITING',
  remaining_before: null,
  remaining_after: null,
  sequence: null,
  event_id: null,
  topic: null,
  payload: null,
  started_at: null,
  closed_at: null,
};

function readDueCancels({ database, values }: Execution): Given {
  const isDueNow = (cancel: Row): boolean => {
    const others = cancelsOf(database, cancel.payment_id);
    if (!isWaiting(cancel) || others.some(({ state }) => state === 'STARTED')) return false;
    const hasOutcome = database.row('outcome', String(cancel.payment_id)) !== undefined;
    const attempts = attemptsOf(database, cancel.payment_id);
    return (
      hasOutcome ||
      attempts.some(({ operation, state }) => operation === 'APPROVE' && state === 'READY')
    );
  };
  return database
    .rows('cancel')
    .filter(isDueNow)
    .sort(byTimeAsked)
    .slice(0, Number(values[0]))
    .map(({ payment_id }) => ({ paymentId: payment_id }));
}

function readLockedCancels({ database, values }: Execution): Given {
  const [ids] = values as [string[]];
  return database
    .rows('cancel')
    .filter(({ payment_id }) => ids.includes(String(payment_id)))
    .sort(byTimeAsked)
    .map((row) => ({ ...camelCased(row), requestedAt: new Date(Number(row.requested_at)) }));
}

function readOtherCancels({ database, values }: Execution): Given {
  const [paymentId, id] = values;
  const states = ['READY', 'CALLING', 'UNKNOWN', 'APPROVED'];
  return attemptsOf(database, paymentId)
    .filter(
      (row) => row.id !== id && row.operation === 'CANCEL' && states.includes(String(row.state)),
    )
    .map(({ state, pg_transaction_id }) => ({ state, pgTransactionId: pg_transaction_id }));
}

function readApprovalOfNetCancel({ database, clock, values }: Execution): Given {
  const approval = database.row('attempt', String(values[0]));
  if (approval === undefined) return [];
  const undoing = attemptsOf(database, approval.payment_id).filter(
    ({ reverses_id, operation }) => reverses_id === approval.id && operation === 'NET_CANCEL',
  );
  return [
    {
      sinceCalledMs: span(clock.nowMs, approval.called_at),
      sinceDeadlineMs: database.switches.showsAgeOfApprovals
        ? span(clock.nowMs, approval.deadline_at)
        : Number.POSITIVE_INFINITY,
      count: undoing.length,
      reached: undoing.some(({ reached }) => reached),
    },
  ];
}

function moveCancels({ database, clock, transaction, text, values }: Execution): Given {
  for (const patch of rowsOf(text, values, 'p')) {
    const row = database.row('cancel', String(patch.id));
    if (row === undefined) continue;
    database.put(transaction, 'cancel', String(row.id), {
      ...row,
      ...patch,
      started_at: patch.state === 'STARTED' ? clock.nowMs : row.started_at,
      closed_at: ['DONE', 'FAILED'].includes(String(patch.state)) ? clock.nowMs : null,
    });
  }
  return [];
}

function cancelsOf(database: Database, paymentId: unknown): Row[] {
  return database.rows('cancel').filter(({ payment_id }) => payment_id === paymentId);
}

function isWaiting({ state }: Row): boolean {
  return state === 'WAITING';
}

function byTimeAsked(a: Row, b: Row): number {
  return compare(a.requested_at, b.requested_at) || compare(a.id, b.id);
}

function claimOf({ pg, pg_account_id, livemode, source_key, payment_id }: Row): Row {
  return { pg, pg_account_id, livemode, source_key, payment_id };
}

function claimKey({ pg, pg_account_id, livemode, source_key }: Row): string {
  return [source_key, pg, pg_account_id, livemode].join(' ');
}

function claimKeyAndOwner(row: Row): string {
  return `${claimKey(row)} ${row.payment_id}`;
}

function readLeases({ database, clock, values }: Execution): Given {
  const [ids] = values as [string[]];
  return ids.flatMap((id) => {
    const row = database.row('attempt', id);
    if (row === undefined) return [];
    const leftMs = Number(row.lease_until) - clock.nowMs;
    return [{ id, state: row.state, owner: row.lease_owner, leftMs }];
  });
}

function lockPayments({ database, transaction, values }: Execution): Given {
  const [ids] = values as [string[]];
  if (!database.lock(transaction, ids)) return 'BLOCKED';
  return [...new Set(ids)].sort().flatMap((id) => {
    const row = database.row('payment_result', id);
    return row === undefined ? [] : [{ paymentId: id, count: row.count }];
  });
}

function readLockedAttempts({ database, clock, transaction, values }: Execution): Given {
  const [ids] = values as [string[]];
  database.lockAttempts(transaction, ids);
  return database
    .rows('attempt')
    .filter(({ payment_id }) => ids.includes(String(payment_id)))
    .sort(by('id'))
    .map((row) => {
      const claim = database.row('source_claim', claimKey(row));
      return {
        ...attemptOf(row, clock.nowMs),
        sourceTaken:
          row.state === 'READY' && claim !== undefined && claim.payment_id !== row.payment_id,
        hasOutcome: database.row('outcome', String(row.payment_id)) !== undefined,
      };
    });
}

function readException({ database, values }: Execution): Given {
  const row = database.row('exception', String(values[0]));
  if (row === undefined) return [];
  const at = database.switches.showsResolutions ? row.resolved_at : null;
  const resolvedAt = at === null ? null : new Date(Number(at));
  return [{ ...camelCased(row), resolvedAt }];
}

function readAttemptsOfException({ database, clock, values }: Execution): Given {
  const attempt = database.row('attempt', String(values[0]));
  if (attempt === undefined) return [];
  const hasOutcome = database.row('outcome', String(attempt.payment_id)) !== undefined;
  return attemptsOf(database, attempt.payment_id).map((row) => ({
    ...attemptOf(row, clock.nowMs),
    hasOutcome,
  }));
}

function readForeignCapture({ database, values }: Execution): Given {
  const [id, pgTransactionId] = values;
  return database
    .rows('attempt')
    .filter((row) => row.id !== id && row.operation === 'APPROVE')
    .filter(({ state }) => state === 'APPROVED' || state === 'REVERSED')
    .filter(({ pg_transaction_id }) => pg_transaction_id === pgTransactionId);
}

function closeException({ database, clock, transaction, values }: Execution): Given {
  const [id, resolution, resolved_by, resolved_as] = values;
  const row = database.row('exception', String(id));
  if (row === undefined) return [];
  const resolved = { resolved_at: clock.nowMs, resolution, resolved_by, resolved_as };
  database.put(transaction, 'exception', String(id), { ...row, ...resolved });
  return [];
}

function insertOperatorAction({ database, clock, transaction, values }: Execution): Given {
  const [id, operator, action, target, detail] = values;
  const { reason } = JSON.parse(String(detail)) as Row;
  const row = { id, operator, action, target, reason, at: clock.nowMs };
  database.put(transaction, 'operator_action', String(id), row);
  return [];
}

function readOpenExceptions({ database, values }: Execution): Given {
  const [ids] = values as [string[]];
  return database
    .rows('exception')
    .filter((row) => ids.includes(String(row.payment_id)) && row.resolved_at === null)
    .map((row) => ({ paymentId: row.payment_id, attemptId: row.attempt_id, kind: row.kind }));
}

const CLOSED: readonly unknown[] = ['APPROVED', 'DECLINED', 'NOT_SENT', 'REVERSED'];

function writeResults({ database, clock, transaction, text, values }: Execution): Given {
  const now = clock.nowMs;
  for (const { next_inquiry_ms, next_follow_up_ms, ...patch } of rowsOf(text, values, 'p')) {
    const row = database.row('attempt', String(patch.id));
    if (row === undefined) continue;
    database.put(transaction, 'attempt', String(row.id), {
      ...row,
      ...patch,
      lease_owner: null,
      lease_until: null,
      next_inquiry_at: next_inquiry_ms === null ? null : now + Number(next_inquiry_ms),
      next_follow_up_at: next_follow_up_ms === null ? null : now + Number(next_follow_up_ms),
      closed_at: CLOSED.includes(patch.state) ? (row.closed_at ?? now) : null,
    });
  }
  for (const { payment_id, count } of rowsOf(text, values, 'c')) {
    database.put(transaction, 'payment_result', String(payment_id), { payment_id, count });
  }
  const told = rowsOf(text, values, 't');
  for (const { key: _, headers, ...row } of told.filter(({ kind }) => kind !== null)) {
    const { traceparent = null } = headers as Row;
    conclude(database, transaction, { ...row, traceparent });
  }
  for (const row of rowsOf(text, values, 'f')) {
    const claim = database.row('source_claim', claimKey(row));
    if (claim?.payment_id === row.payment_id) {
      database.put(transaction, 'source_claim', claimKey(row), null);
    }
  }
  for (const event of told) publish(database, transaction, event);
  return [];
}

function insertFurtherAttempts({ database, clock, transaction, text, values }: Execution): Given {
  for (const { of, captured, ...row } of rowsOf(text, values, 'f')) {
    const original = database.row('attempt', String(of));
    if (original === undefined) continue;
    const amount = captured ?? original.amount;
    const isApproval = row.operation === 'APPROVE';
    database.put(transaction, 'attempt', String(row.id), {
      ...original,
      ...FRESH_ATTEMPT,
      ...row,
      amount,
      state: 'READY',
      source_key: isApproval ? original.source_key : null,
      expires_at: isApproval ? original.expires_at : null,
      next_attempt_at: clock.nowMs,
    });
  }
  return [];
}

function reclaimSources({ database, transaction, values }: Execution): Given {
  const [ids] = values as [string[]];
  for (const row of database.rows('attempt')) {
    if (!ids.includes(String(row.id)) || row.source_key === null) continue;
    const claim = { ...claimOf(row), attempt_id: row.id };
    database.insert(transaction, 'source_claim', claimKey(row), claim, 'source_claim_key');
  }
  return [];
}

const UNRESOLVED: Row = {
  resolved_at: null,
  resolution: null,
  resolved_by: null,
  resolved_as: null,
};

function insertExceptions({ database, transaction, text, values }: Execution): Given {
  for (const row of rowsOf(text, values, 'x')) {
    const isOpen = database
      .rows('exception')
      .some(
        (o) => o.attempt_id === row.attempt_id && o.kind === row.kind && o.resolved_at === null,
      );
    if (isOpen) throw new UniqueViolation('exception_one_open');
    database.put(transaction, 'exception', String(row.id), { ...row, ...UNRESOLVED });
  }
  return [];
}

function resolveExceptions({ database, clock, transaction, values }: Execution): Given {
  const [ids, kinds] = values as [string[], string[]];
  for (const row of database.rows('exception')) {
    const isMeant = ids.some((id, index) => id === row.attempt_id && kinds[index] === row.kind);
    if (!isMeant || row.resolved_at !== null) continue;
    const action = lastCancelOf(database, row);
    database.put(transaction, 'exception', String(row.id), {
      ...row,
      resolved_at: clock.nowMs,
      resolution: action?.reason ?? 'the outcome became known',
      resolved_by: action?.operator ?? 'pg-processor',
      resolved_as: action === undefined ? null : 'CANCEL',
    });
  }
  return [];
}

/** The last time that an operator has asked for what closes an exception. */
function lastCancelOf(database: Database, { id }: Row): Row | undefined {
  return database
    .rows('operator_action')
    .filter(({ target, action }) => target === id && action === 'CANCEL')
    .sort((one, other) => compare(one.at, other.at) || compare(one.id, other.id))
    .at(-1);
}

function keepAnswered({ database, transaction, values }: Execution): Given {
  const [ids] = values as [string[]];
  for (const id of ids) {
    const row = database.row('attempt', id);
    if (row) database.put(transaction, 'attempt', id, { ...row, answered: true });
  }
  return [];
}

/** The step of a schedule at an index counted from 0, or its last. */
function stepOf(schedule: readonly number[], index: number): number {
  return schedule[Math.min(index, schedule.length - 1)] ?? 0;
}

type RepairValues = [string[], number[], number[], string, string];

function findDueRetries({ database, clock, values }: Execution): Given {
  const [pgs] = values as [string[], string[]];
  const waiting = database.rows('attempt').filter((row) => isDueRetry(row, clock.nowMs));
  return pgs.filter((pg) => waiting.some((row) => row.pg === pg)).map((pg) => ({ pg }));
}

function isDueRetry(row: Row, now: number): boolean {
  const isWaitingRetry = row.state === 'UNKNOWN' && row.not_executed && !row.admitted;
  return Boolean(isWaitingRetry) && isDue(row.next_inquiry_at, now);
}

function readDueRetries({ database, clock, transaction, values }: Execution): Given {
  const [pgs, operations, max] = values as [string[], string[], number];
  const now = clock.nowMs;
  const due = pgs.flatMap((pg) =>
    operations.flatMap((operation) =>
      database
        .rows('attempt')
        .filter((row) => row.pg === pg && row.operation === operation && isDueRetry(row, now))
        .filter((row) => !database.areAttemptsLocked(String(row.payment_id)))
        .sort(by('next_inquiry_at'))
        .slice(0, max),
    ),
  );
  database.lockAttempts(
    transaction,
    due.map(({ payment_id }) => String(payment_id)),
  );
  return due.map(({ id, payment_id, pg, operation, failure, denials, expires_at }) => ({
    ...{ id, paymentId: payment_id, pg, operation, failure, denials },
    untilExpiryMs: span(expires_at, now),
  }));
}

function writeAdmissions({ database, clock, transaction, text, values }: Execution): Given {
  for (const { id, admitted, pause_ms } of rowsOf(text, values, 's')) {
    const row = database.row('attempt', String(id));
    if (row === undefined) continue;
    database.put(transaction, 'attempt', String(id), {
      ...row,
      admitted,
      denials: Number(row.denials) + (admitted ? 0 : 1),
      next_inquiry_at: clock.nowMs + Number(pause_ms),
    });
  }
  return [];
}

const bucketKey = ({ pg, kind }: Row): string => `${pg} ${kind}`;

/** What is made here is written with the rest, so nobody waits for a transaction that only reads. */
function lockRetryBudgets({ database, clock, transaction, text, values }: Execution): Given {
  const wanted = rowsOf(text, values, 'f');
  const names = wanted.map(({ pg }) => `retry_budget ${pg}`);
  if (!database.lock(transaction, names)) return 'BLOCKED';
  return wanted.map(({ pg, kind, tokens }) => {
    const row = database.row('retry_budget', bucketKey({ pg, kind }));
    const sinceMs = row === undefined ? 0 : clock.nowMs - Number(row.refilled_at);
    return { pg, kind, tokens: row?.tokens ?? tokens, sinceMs };
  });
}

function writeRetryBudgets({ database, clock, transaction, text, values }: Execution): Given {
  for (const { pg, kind, tokens } of rowsOf(text, values, 's')) {
    const row = { pg, kind, tokens, refilled_at: clock.nowMs };
    database.put(transaction, 'retry_budget', bucketKey(row), row);
  }
  return [];
}

function claimInquiries({ database, clock, transaction, values }: Execution): Given {
  const [pgs, free, leaseMs, owner, schedules] = values as RepairValues;
  const scheduleOf = JSON.parse(schedules) as Record<string, number[]>;
  const now = clock.nowMs;
  const taken = pgs.flatMap((pg, index) =>
    database
      .rows('attempt')
      .filter((row) => row.state === 'UNKNOWN' && row.pg === pg && isDue(row.next_inquiry_at, now))
      .filter((row) => row.admitted || !row.not_executed)
      .filter((row) => !database.areAttemptsLocked(String(row.payment_id)))
      .sort(by('next_inquiry_at'))
      .slice(0, free[index])
      .map((row): Row => {
        const ms = leaseMs[index] ?? 0;
        const count = Number(row.inquiry_count) + 1;
        return {
          ...row,
          admitted: false,
          inquiry_count: count,
          lease_owner: owner,
          lease_until: now + ms,
          next_inquiry_at: now + ms + stepOf(scheduleOf[pg] ?? [], count),
        };
      }),
  );
  for (const row of taken) database.put(transaction, 'attempt', String(row.id), row);
  return taken.map((row) => attemptOf(row, now));
}

function claimFollowUps({ database, clock, transaction, values }: Execution): Given {
  const [pgs, free, leaseMs, owner, schedules] = values as RepairValues;
  const scheduleOf = JSON.parse(schedules) as Record<string, number[]>;
  const now = clock.nowMs;
  const taken = pgs.flatMap((pg, index) =>
    database
      .rows('attempt')
      .filter((row) => row.pg === pg && isDue(row.next_follow_up_at, now))
      .filter((row) => !database.areAttemptsLocked(String(row.payment_id)))
      .sort(by('next_follow_up_at'))
      .slice(0, free[index])
      .map((row): Row => {
        const count = Number(row.follow_up_count);
        const [next, last] = [scheduleOf[pg]?.[count + 1], scheduleOf[pg]?.[count]];
        return {
          ...row,
          follow_up_count: count + 1,
          lease_owner: owner,
          lease_until: now + (leaseMs[index] ?? 0),
          next_follow_up_at:
            next === undefined || last === undefined
              ? null
              : Number(row.next_follow_up_at) + next - last,
        };
      }),
  );
  for (const row of taken) database.put(transaction, 'attempt', String(row.id), row);
  return taken.map((row) => attemptOf(row, now));
}

function startResend({ database, clock, transaction, values }: Execution): Given {
  const [id, owner, leaseMs, resendsMax, pauseMs] = values as [
    string,
    string,
    number,
    number,
    number,
  ];
  const now = clock.nowMs;
  const row = database.row('attempt', id);
  if (row === undefined) return [];
  if (database.areAttemptsLocked(String(row.payment_id))) return 'BLOCKED';
  const isOurs =
    row.state === 'UNKNOWN' && row.lease_owner === owner && Number(row.lease_until) > now;
  const mayBeSent = !row.answered && !row.not_executed && Number(row.resend_count) < resendsMax;
  if (!isOurs || !mayBeSent) return [];
  database.put(transaction, 'attempt', id, {
    ...row,
    resend_count: Number(row.resend_count) + 1,
    reached: true,
    lease_until: now + leaseMs,
    deadline_at: now + leaseMs,
    next_inquiry_at: now + leaseMs + pauseMs,
  });
  return [{ leftMs: leaseMs }];
}

function readSourceClaim({ database, values }: Execution): Given {
  const [pg, pg_account_id, livemode, source_key] = values;
  const claim = database.row('source_claim', claimKey({ pg, pg_account_id, livemode, source_key }));
  return claim === undefined ? [] : [claim];
}

function readLeasesOver({ database, clock, values }: Execution): Given {
  return database
    .rows('attempt')
    .filter((row) => row.state === 'CALLING' && Number(row.lease_until) < clock.nowMs)
    .slice(0, Number(values[0]))
    .map(sweptOf);
}

function readExpired({ database, clock, values }: Execution): Given {
  return database
    .rows('attempt')
    .filter((row) => row.state === 'READY' && isDue(row.expires_at, clock.nowMs))
    .sort(by('expires_at'))
    .slice(0, Number(values[0]))
    .map(sweptOf);
}

function sweptOf({ id, payment_id, pg }: Row): Row {
  return { id, paymentId: payment_id, pg };
}

function attemptsOf(database: Database, paymentId: unknown): Row[] {
  return database.rows('attempt').filter(({ payment_id }) => payment_id === paymentId);
}

function isDue(at: unknown, now: number): boolean {
  return at !== null && Number(at) <= now;
}

function by(column: string): (a: Row, b: Row) => number {
  return (a, b) => compare(a[column], b[column]);
}

function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  return (a as number) < (b as number) ? -1 : 1;
}

const span = (from: unknown, to: unknown): number | null =>
  from === null || to === null ? null : Number(from) - Number(to);

function camelCased(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [camelCase(name), value]));
}

/** A row of attempts as `attemptColumns` selects it. */
function attemptOf(row: Row, now: number): Row {
  return {
    ...camelCased(row),
    approvedAt: row.approved_at === null ? null : new Date(Number(row.approved_at)),
    leaseLeftMs: span(row.lease_until, now),
    sinceDeadlineMs: span(now, row.deadline_at),
    sinceCalledMs: span(now, row.called_at),
    untilExpiryMs: span(row.expires_at, now),
  };
}
