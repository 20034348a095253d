import type { PostgresClient } from '@mini-pg/database';
import type { OutboxRow } from '@mini-pg/messaging';
import type { Attempt } from '../attempts/attempt.ts';
import { createRowset } from '../db/rowset.ts';
import { RESOLUTIONS } from '../resolutions/resolution.ts';
import type {
  AttemptPatch,
  CancelPatch,
  ExceptionRow,
  FurtherAttempt,
  OutcomeRow,
  Plan,
} from './plan.ts';

const patches = createRowset<AttemptPatch>([
  { name: 'id', type: 'uuid', of: (row) => row.id },
  { name: 'state', type: 'text', of: (row) => row.state },
  { name: 'reached', type: 'boolean', of: (row) => row.reached },
  { name: 'answered', type: 'boolean', of: (row) => row.answered },
  { name: 'not_executed', type: 'boolean', of: (row) => row.notExecuted },
  { name: 'next_inquiry_ms', type: 'float8', of: (row) => row.nextInquiryMs },
  { name: 'next_follow_up_ms', type: 'float8', of: (row) => row.nextFollowUpMs },
  { name: 'pg_payment_id', type: 'text', of: (row) => row.pgPaymentId },
  { name: 'pg_transaction_id', type: 'text', of: (row) => row.pgTransactionId },
  { name: 'pg_status', type: 'text', of: (row) => row.pgStatus },
  { name: 'pg_code', type: 'text', of: (row) => row.pgCode },
  { name: 'pg_trace_id', type: 'text', of: (row) => row.pgTraceId },
  { name: 'http_status', type: 'int', of: (row) => row.httpStatus },
  { name: 'method_detail', type: 'jsonb', of: (row) => row.methodDetail },
  { name: 'failure', type: 'jsonb', of: (row) => row.failure },
  { name: 'approved_at', type: 'timestamptz', of: (row) => row.approvedAt },
]);

const counts = createRowset<Plan>([
  { name: 'payment_id', type: 'uuid', of: ({ payment }) => payment.paymentId },
  { name: 'count', type: 'int', of: ({ payment, events }) => payment.count + events.length },
]);

const released = createRowset<Attempt>([
  { name: 'source_key', type: 'text', of: (row) => row.sourceKey },
  { name: 'pg', type: 'text', of: (row) => row.pg },
  { name: 'pg_account_id', type: 'text', of: (row) => row.pgAccountId },
  { name: 'livemode', type: 'boolean', of: (row) => row.livemode },
  { name: 'payment_id', type: 'uuid', of: (row) => row.paymentId },
]);

/** An event, and the outcome that it tells of if it does: its text travels once for both. */
interface Told {
  readonly event: OutboxRow;
  readonly outcome: OutcomeRow | null;
}

const told = createRowset<Told>([
  { name: 'event_id', type: 'uuid', of: ({ event }) => event.eventId },
  { name: 'topic', type: 'text', of: ({ event }) => event.topic },
  { name: 'key', type: 'text', of: ({ event }) => event.key },
  { name: 'headers', type: 'jsonb', of: ({ event }) => event.headers },
  { name: 'payload', type: 'text', of: ({ event }) => event.payload },
  { name: 'kind', type: 'text', of: ({ outcome }) => outcome?.kind },
  { name: 'payment_id', type: 'uuid', of: ({ outcome }) => outcome?.attempt.paymentId },
  { name: 'merchant_id', type: 'uuid', of: ({ outcome }) => outcome?.attempt.merchantId },
  { name: 'livemode', type: 'boolean', of: ({ outcome }) => outcome?.attempt.livemode },
  { name: 'attempt_id', type: 'uuid', of: ({ outcome }) => outcome?.attempt.id },
  { name: 'sequence', type: 'int', of: ({ outcome }) => outcome?.sequence },
]);

function toldOf({ events, outcome }: Plan): Told[] {
  return events.map((event) => ({ event, outcome: outcome?.event === event ? outcome : null }));
}

const after = (milliseconds: string): string => `now() + ${milliseconds} * interval '1 ms'`;

/**
 * States, outcomes, claims and events of any number of payments, in one statement. The arrays of
 * keys are given to the tables once more, so that these are read by index however large they are.
 */
const WRITE_RESULTS = {
  name: 'write-results',
  text: `
    with told as (
      select * from ${told.from('t', 24)}
    ), patched as (
      update attempt a set
        state = p.state, reached = p.reached, answered = p.answered,
        not_executed = p.not_executed, lease_owner = null, lease_until = null,
        next_inquiry_at = ${after('p.next_inquiry_ms')},
        next_follow_up_at = ${after('p.next_follow_up_ms')},
        pg_payment_id = p.pg_payment_id, pg_transaction_id = p.pg_transaction_id,
        pg_status = p.pg_status, pg_code = p.pg_code, pg_trace_id = p.pg_trace_id,
        http_status = p.http_status, method_detail = p.method_detail, failure = p.failure,
        approved_at = p.approved_at, updated_at = now(),
        closed_at = case when p.state in ('APPROVED', 'DECLINED', 'NOT_SENT', 'REVERSED')
          then coalesce(a.closed_at, now()) end
      from ${patches.from('p')}
      where a.id = p.id
    ), counted as (
      update payment_result r set count = c.count
      from ${counts.from('c', 17)}
      where r.payment_id = c.payment_id and r.payment_id = any($17::uuid[])
    ), concluded as (
      insert into outcome (payment_id, merchant_id, livemode, kind, attempt_id, sequence, event_id,
        topic, payload, traceparent)
      select payment_id, merchant_id, livemode, kind, attempt_id, sequence, event_id, topic,
        payload, headers ->> 'traceparent'
      from told where kind is not null order by payment_id
    ), released as (
      delete from source_claim s using ${released.from('f', 19)}
      where s.source_key = any($19::text[]) and s.source_key = f.source_key and s.pg = f.pg
        and s.pg_account_id = f.pg_account_id and s.livemode = f.livemode
        and s.payment_id = f.payment_id
    )
    insert into outbox (event_id, topic, key, headers, payload)
    select event_id, topic, key, headers, payload from told order by position`,
};

const further = createRowset<FurtherAttempt>([
  { name: 'id', type: 'uuid', of: (row) => row.id },
  { name: 'of', type: 'uuid', of: (row) => row.of },
  { name: 'operation', type: 'text', of: (row) => row.operation },
  { name: 'number', type: 'int', of: (row) => row.number },
  { name: 'cancel_reason', type: 'text', of: (row) => row.cancelReason },
  { name: 'pg_payment_id', type: 'text', of: (row) => row.pgPaymentId },
  { name: 'idempotency_key', type: 'text', of: (row) => row.id },
  { name: 'cancel_id', type: 'uuid', of: ({ cancel }) => cancel?.cancelId },
  { name: 'reverses_id', type: 'uuid', of: ({ cancel }) => cancel?.reversesId },
  { name: 'cancel_amount', type: 'bigint', of: ({ cancel }) => cancel?.amount },
  { name: 'cancel_tax_free_amount', type: 'bigint', of: ({ cancel }) => cancel?.taxFreeAmount },
  { name: 'cancel_remaining_before', type: 'bigint', of: ({ cancel }) => cancel?.remainingBefore },
  { name: 'captured', type: 'bigint', of: (row) => row.captured },
]);

/** Copies: what is asked for stays the same, the key and the count of calls do not. */
const INSERT_FURTHER = {
  name: 'insert-further-attempts',
  text: `
    insert into attempt (
      id, payment_id, merchant_id, livemode, operation, number, state, pg, pg_account_id,
      source_key, source, customer, order_id, order_name, pg_order_id, idempotency_key, amount,
      tax_free_amount, currency, cancel_reason, requested_at, expires_at, pg_payment_id,
      traceparent, cancel_id, reverses_id, cancel_amount, cancel_tax_free_amount, cancel_remaining_before)
    select f.id, a.payment_id, a.merchant_id, a.livemode, f.operation, f.number, 'READY', a.pg,
      a.pg_account_id, case when f.operation = 'APPROVE' then a.source_key end, a.source,
      a.customer, a.order_id, a.order_name, a.pg_order_id, f.idempotency_key,
      coalesce(f.captured, a.amount), least(a.tax_free_amount, f.captured), a.currency, f.cancel_reason, a.requested_at,
      case when f.operation = 'APPROVE' then a.expires_at end, f.pg_payment_id, a.traceparent,
      f.cancel_id, f.reverses_id, f.cancel_amount, f.cancel_tax_free_amount, f.cancel_remaining_before
    from ${further.from('f')} join attempt a on a.id = f.of`,
};

const cancels = createRowset<CancelPatch>([
  { name: 'id', type: 'uuid', of: (row) => row.id },
  { name: 'state', type: 'text', of: (row) => row.state },
  { name: 'amount', type: 'bigint', of: (row) => row.amount },
  { name: 'remaining_before', type: 'bigint', of: (row) => row.remainingBefore },
  { name: 'remaining_after', type: 'bigint', of: (row) => row.remainingAfter },
  { name: 'sequence', type: 'int', of: (row) => row.sequence },
  { name: 'event_id', type: 'uuid', of: ({ event }) => event?.eventId },
  { name: 'topic', type: 'text', of: ({ event }) => event?.topic },
  { name: 'payload', type: 'text', of: ({ event }) => event?.payload },
]);

const MOVE_CANCELS = {
  name: 'move-cancels',
  text: `
    update cancel c set
      state = p.state, amount = p.amount, remaining_before = p.remaining_before,
      remaining_after = p.remaining_after, sequence = p.sequence, event_id = p.event_id,
      topic = p.topic, payload = p.payload,
      started_at = case when p.state = 'STARTED' then now() else c.started_at end,
      closed_at = case when p.state in ('DONE', 'FAILED') then now() end
    from ${cancels.from('p')} where c.id = p.id`,
};

/** Breaks the key of the claim where another payment holds it by now: then nothing is written. */
const RECLAIM_SOURCES = {
  name: 'reclaim-sources',
  text: `
    insert into source_claim (pg, pg_account_id, livemode, source_key, payment_id, attempt_id)
    select pg, pg_account_id, livemode, source_key, payment_id, id from attempt
    where id = any($1::uuid[]) and source_key is not null
    order by source_key, pg, pg_account_id, livemode`,
};

const exceptions = createRowset<ExceptionRow>([
  { name: 'id', type: 'uuid', of: (row) => row.id },
  { name: 'kind', type: 'text', of: (row) => row.kind },
  { name: 'payment_id', type: 'uuid', of: ({ attempt }) => attempt.paymentId },
  { name: 'attempt_id', type: 'uuid', of: ({ attempt }) => attempt.id },
  { name: 'merchant_id', type: 'uuid', of: ({ attempt }) => attempt.merchantId },
  { name: 'livemode', type: 'boolean', of: ({ attempt }) => attempt.livemode },
  { name: 'detail', type: 'jsonb', of: (row) => detailOf(row) },
]);

const INSERT_EXCEPTIONS = {
  name: 'insert-exceptions',
  text: `
    insert into exception (${exceptions.names})
    select ${exceptions.names} from ${exceptions.from('x')}`,
};

const RESOLVED_BY = 'pg-processor';

/** Where an operator has asked for what closes it, the exception is closed in that name. */
const RESOLVE_EXCEPTIONS = {
  name: 'resolve-exceptions',
  text: `
    update exception x
    set resolved_at = now(), resolution = coalesce(o.detail ->> 'reason', 'the outcome became known'),
      resolved_by = coalesce(o.operator, '${RESOLVED_BY}'),
      resolved_as = case when o.id is not null then 'CANCEL' end
    from unnest($1::uuid[], $2::text[]) as r (attempt_id, kind)
      left join lateral (
        select a.id, a.operator, a.detail from exception y
        join operator_action a on a.target = y.id and a.action = '${RESOLUTIONS.cancel}'
        where y.attempt_id = r.attempt_id and y.kind = r.kind and y.resolved_at is null
        order by a.at desc, a.id desc limit 1
      ) o on true
    where x.attempt_id = r.attempt_id and x.kind = r.kind and x.resolved_at is null`,
};

const KEEP_ANSWERED = {
  name: 'keep-answered',
  text: `update attempt set answered = true, updated_at = now() where id = any($1::uuid[])`,
};

/** Writes plans of distinct payments, inside the transaction that locked them. */
export async function writePlans(client: PostgresClient, plans: readonly Plan[]): Promise<void> {
  const written = plans.filter((plan) => plan.patches.length > 0 || plan.events.length > 0);
  if (written.length > 0) {
    await client.query({
      ...WRITE_RESULTS,
      values: [
        ...patches.values(written.flatMap((plan) => plan.patches)),
        ...counts.values(written),
        ...released.values(written.flatMap((plan) => plan.released)),
        ...told.values(written.flatMap(toldOf)),
      ],
    });
  }
  await writeRareParts(client, plans);
}

/** What only payments with cancels or off the straight path have; it follows the patches that make room for it. */
async function writeRareParts(client: PostgresClient, plans: readonly Plan[]): Promise<void> {
  const reclaimed = plans.flatMap((plan) => plan.reclaimed.map(({ id }) => id));
  if (reclaimed.length > 0) await client.query({ ...RECLAIM_SOURCES, values: [reclaimed] });
  const moved = plans.flatMap((plan) => plan.cancels);
  if (moved.length > 0) await client.query({ ...MOVE_CANCELS, values: cancels.values(moved) });
  const copies = plans.flatMap((plan) => plan.further);
  if (copies.length > 0) await client.query({ ...INSERT_FURTHER, values: further.values(copies) });
  const opened = plans.flatMap((plan) => plan.exceptions);
  if (opened.length > 0) {
    await client.query({ ...INSERT_EXCEPTIONS, values: exceptions.values(opened) });
  }
  const resolved = plans.flatMap((plan) => plan.resolvedOpen());
  if (resolved.length > 0) {
    const ids = resolved.map(({ attemptId }) => attemptId);
    const kinds = resolved.map(({ kind }) => kind);
    await client.query({ ...RESOLVE_EXCEPTIONS, values: [ids, kinds] });
  }
  const answered = plans.flatMap((plan) => plan.answered);
  if (answered.length > 0) await client.query({ ...KEEP_ANSWERED, values: [answered] });
}

function detailOf({ attempt, reason }: ExceptionRow): object {
  const { pg, pgAccountId, operation, number, orderId, pgOrderId, currency } = attempt;
  const amount = Number(attempt.amount);
  return { reason, pg, pgAccountId, operation, number, orderId, pgOrderId, amount, currency };
}
