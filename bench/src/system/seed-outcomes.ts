import type { PostgresPool } from '@mini-pg/database';

/** Stored payments that wait for their outcome, as intake leaves them. */
export async function seedPayments(database: PostgresPool, count: number): Promise<void> {
  await database.query(SEED_PAYMENTS, [count]);
  await database.query(`
    insert into payment.payment_open (payment_id, next_emit_at)
    select id, now() + interval '1 day' from payment.payment`);
  await database.query(`
    insert into payment.idempotency_key
      (merchant_id, livemode, scope, key, resource, fingerprint, answer, live_order_id)
    select merchant_id, livemode, 'payment', 'key-' || order_id, id, sha256(id::text::bytea), 202,
           order_id
    from payment.payment`);
}

const SEED_PAYMENTS = `
  with merchants as (select array_agg(uuidv7()) as ids from generate_series(1, 1000))
  insert into payment.payment (
    id, merchant_id, livemode, order_id, amount, tax_free_amount, currency, pg, source, metadata,
    event_id, traceparent, requested_at, expires_at
  )
  select
    uuidv7(), merchants.ids[1 + n % 1000], true, 'order-' || n, 1000 + n % 90000, 0, 'KRW',
    'toss', jsonb_build_object('kid', 'k1', 'iv', 'c2l4dGVlbg==', 'ct', repeat('x', 160)),
    '{"cart": "c-20260331-77"}', uuidv7(), null, now(), now() + interval '10 minutes'
  from generate_series(1, $1::int) n, merchants`;

/** An approval of every payment as an event in pg-processor's outbox, for its relay to publish. */
export async function seedApprovals(database: PostgresPool): Promise<void> {
  await database.query(SEED_APPROVALS);
}

const SEED_APPROVALS = `
  insert into processor.outbox (event_id, topic, key, headers, payload)
  select event_id, 'payment.completed', payment_id,
    jsonb_build_object('traceparent',
      '00-' || md5(payment_id) || '-' || left(md5(order_id), 16) || '-01'),
    jsonb_build_object(
      'specversion', '1.0', 'id', event_id, 'source', 'pg-processor', 'type', 'payment.completed',
      'time', at, 'subject', payment_id, 'dataschema', 'urn:mini-pg:event:payment.completed',
      'data', jsonb_build_object(
        'merchantId', merchant_id, 'livemode', true, 'paymentId', payment_id, 'sequence', 1,
        'attemptId', attempt_id, 'orderId', order_id, 'pg', 'toss', 'pgAccountId', 'tosslive01',
        'pgOrderId', order_id, 'pgPaymentId', 'tgen_' || order_id,
        'pgTransactionId', 'txn_' || order_id, 'amount', amount, 'taxFreeAmount', 0,
        'currency', 'KRW',
        'methodDetail', jsonb_build_object('type', 'CARD', 'issuer', '11', 'acquirer', '31',
          'cardType', 'CREDIT', 'ownerType', 'PERSONAL', 'installmentMonths', 0,
          'interestFree', false, 'approveNo', '00000000', 'maskedNumber', '43301234****123*'),
        'approvedAt', at
      )
    )::text
  from (
    select id::text as payment_id, merchant_id, order_id, amount, uuidv7() as event_id,
           uuidv7() as attempt_id,
           to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from payment.payment
  ) as approved`;

/** Whether no event waits in an outbox; looks at one row, however many there are. */
export async function isOutboxEmpty(
  database: PostgresPool,
  schema: 'payment' | 'processor' | 'settlement',
): Promise<boolean> {
  const { rows } = await database.query<{ some: boolean }>(
    `select exists (select from ${schema}.outbox) as some`,
  );
  return rows[0]?.some !== true;
}
