import { migrationsContract } from '@mini-pg/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRig, type Rig, receive, requested } from '../../test/rig.ts';
import { migrations } from './migrations/index.ts';

migrationsContract('processor', migrations);

describe('the database refuses', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig();
  });
  beforeEach(() => rig.clear());
  afterAll(() => rig.close());

  const CALLING = `state = 'CALLING', lease_owner = 'x', lease_until = now(), called_at = now(),
    deadline_at = now()`;
  const APPROVED = `state = 'APPROVED', closed_at = now(), pg_payment_id = 'p',
    pg_transaction_id = 't', approved_at = now()`;

  /** Two attempts of one payment, both READY. */
  const twins = async (operation = 'APPROVE'): Promise<{ first: string; second: string }> => {
    const request = requested();
    await receive(rig.processor(), request);
    const { rows } = await rig.pool.query<{ id: string; is_first: boolean }>(
      `with copy as (
        insert into attempt (id, payment_id, merchant_id, livemode, operation, number, state, pg,
          pg_account_id, source, order_id, pg_order_id, idempotency_key, amount, tax_free_amount,
          currency, requested_at)
        select gen_random_uuid(), payment_id, merchant_id, livemode, $2, 2, state, pg,
          pg_account_id, source, order_id, pg_order_id, 'k', amount, tax_free_amount, currency,
          requested_at
        from attempt where payment_id = $1 returning id)
      select id, false as is_first from copy
      union all select id, true from attempt where payment_id = $1`,
      [request.paymentId, operation],
    );
    const idOf = (isFirst: boolean) => rows.find((row) => row.is_first === isFirst)?.id ?? '';
    return { first: idOf(true), second: idOf(false) };
  };

  const set = (id: string, what: string) =>
    rig.pool.query(`update attempt set ${what} where id = $1`, [id]);

  const refused = (work: Promise<unknown>, constraint: string) =>
    expect(work).rejects.toMatchObject({ constraint });

  it.each(['APPROVE', 'CANCEL'])(
    'two attempts of a payment in CALLING, the other one to %s',
    async (operation) => {
      const { first, second } = await twins(operation);
      await set(first, CALLING);
      await refused(set(second, CALLING), 'attempt_one_calling');
    },
  );

  it.each([
    ['CALLING', CALLING],
    ['UNKNOWN', "state = 'UNKNOWN'"],
    ['APPROVED', APPROVED],
  ])('an approval beside one that is %s', async (_state, what) => {
    const { first, second } = await twins();
    await set(first, what);
    await refused(set(second, "state = 'UNKNOWN'"), 'attempt_one_live_approval');
  });

  it('an approval of a transaction that another payment has', async () => {
    const one = await twins();
    const two = await twins();
    await set(one.first, APPROVED);
    await refused(set(two.first, APPROVED), 'attempt_one_per_transaction');
    await set(two.first, APPROVED.replace("'t'", "'t2'"));
  });

  it('a second outcome of a payment', async () => {
    const insert = `insert into outcome (payment_id, merchant_id, livemode, kind, sequence, event_id,
        topic, payload)
      select payment_id, merchant_id, livemode, 'FAILED', 1, gen_random_uuid(), 't', '{}'
      from attempt limit 1`;
    await receive(rig.processor(), requested());
    await rig.pool.query(insert);
    await refused(rig.pool.query(insert), 'outcome_one_per_payment');
  });

  it('a second claim on a source of one account and mode', async () => {
    const claim = (livemode: boolean) =>
      rig.pool.query(
        `insert into source_claim (pg, pg_account_id, livemode, source_key, payment_id, attempt_id)
         values ('toss', 'a', $1, 'k', gen_random_uuid(), gen_random_uuid())`,
        [livemode],
      );
    await claim(true);
    await claim(false);
    await refused(claim(true), 'source_claim_key');
  });

  it('an approval without its proof, a call without a lease, a state that is none', async () => {
    const { first } = await twins();
    await refused(
      set(first, "state = 'APPROVED', closed_at = now()"),
      'attempt_approved_with_proof',
    );
    await refused(set(first, "state = 'CALLING'"), 'attempt_called_with_lease');
    await refused(set(first, "state = 'PAID'"), 'attempt_state');
    await refused(set(first, "state = 'DECLINED'"), 'attempt_closed');
    await refused(set(first, 'next_inquiry_at = now()'), 'attempt_inquired_while_unknown');
  });

  it.each([
    ['short', 'a'.repeat(63)],
    ['long', 'a'.repeat(65)],
    ['in capitals', 'A'.repeat(64)],
    ['not hexadecimal', `${'a'.repeat(63)}g`],
    ['followed by a new line', `${'a'.repeat(63)}\n`],
    ['empty', ''],
  ])('a source key that is %s', async (_how, key) => {
    const { first } = await twins();
    const write = (sourceKey: string) =>
      rig.pool.query('update attempt set source_key = $2 where id = $1', [first, sourceKey]);
    await refused(write(key), 'attempt_source_key');
    await write('0123456789abcdef'.repeat(4));
  });

  /** A cancel of 5,000 on a balance of 15,000. */
  const cancel = (paymentId: string, what: string) =>
    rig.pool.query(
      `insert into cancel (id, payment_id, merchant_id, livemode, amount, tax_free_amount, reason,
         origin, requested_at, state, remaining_before, remaining_after, started_at, closed_at,
         sequence, event_id, topic, payload)
       select gen_random_uuid(), $1::uuid, $1::uuid, true, 5000, 0, 'r', 'MERCHANT', now(), ${what}`,
      [paymentId],
    );

  const STARTED = `'STARTED', 15000, null, now(), null, null, null, null, null`;
  const done = (after: number) =>
    `'DONE', ${after + 5_000}, ${after}, now(), now(), 1, gen_random_uuid(), 't', '{}'`;

  it('two cancels of a payment that run, or that count on the same balance', async () => {
    const { paymentId } = requested();
    await cancel(paymentId, STARTED);
    await refused(cancel(paymentId, STARTED), 'cancel_one_started');
    await refused(cancel(paymentId, done(10_000)), 'cancel_one_per_balance');
    await cancel(paymentId, done(5_000));
    await refused(cancel(paymentId, done(5_000)), 'cancel_one_per_remainder');
    await cancel(requested().paymentId, STARTED);
  });

  it('a cancel that does not add up, goes below zero or is done in silence', async () => {
    const { paymentId } = requested();
    const doneWith = (before: number, after: number) =>
      `'DONE', ${before}, ${after}, now(), now(), 1, gen_random_uuid(), 't', '{}'`;
    await refused(cancel(paymentId, doneWith(15_000, 10_001)), 'cancel_balance');
    await refused(cancel(paymentId, doneWith(4_000, -1_000)), 'cancel_balance');
    await refused(
      cancel(paymentId, `'DONE', 15000, 10000, now(), now(), null, null, null, null`),
      'cancel_told',
    );
    await refused(
      cancel(paymentId, `'FAILED', null, null, null, now(), null, null, null, null`),
      'cancel_told',
    );
    await refused(
      cancel(paymentId, `'STARTED', null, null, now(), null, null, null, null, null`),
      'cancel_started',
    );
  });

  const OF_CANCEL = `operation = 'CANCEL', cancel_amount = 5000, cancel_tax_free_amount = 0,
    cancel_reason = 'r', cancel_remaining_before = 15000, pg_payment_id = 'p'`;

  it('two open attempts to cancel one payment, and two that cancel for one cancel', async () => {
    const { first, second } = await twins('CANCEL');
    const other = `${OF_CANCEL}, cancel_id = '0198f3a0-0000-7000-8000-000000000002'`;
    const one = `${OF_CANCEL}, cancel_id = '0198f3a0-0000-7000-8000-000000000001'`;
    await set(first, `${one}, number = 1`);
    await refused(set(second, `${other}, number = 1`), 'attempt_one_live_cancel');
    await refused(
      set(first, `state = 'APPROVED', closed_at = now()`),
      'attempt_cancelled_with_proof',
    );
    await set(first, APPROVED);
    const twice = APPROVED.replace("'t'", "'t2'").replace("pg_payment_id = 'p',", '');
    await refused(set(second, `${one}, number = 2, ${twice}`), 'attempt_one_success_per_cancel');
    await set(second, `${other}, number = 1, ${twice}`);
  });

  it('an attempt of a cancel that does not say what it cancels', async () => {
    const { first } = await twins();
    const id = `cancel_id = '0198f3a0-0000-7000-8000-000000000001'`;
    await refused(set(first, id), 'attempt_of_cancel');
    await refused(
      set(first, `${OF_CANCEL.replace('= 5000', '= 15001')}, ${id}`),
      'attempt_of_cancel',
    );
  });

  it('a net-cancel that undoes nothing, a part, or beside another one', async () => {
    const { first, second } = await twins('CANCEL');
    const whole = `operation = 'NET_CANCEL', cancel_amount = amount, cancel_tax_free_amount = 0,
      cancel_reason = 'r', cancel_remaining_before = amount`;
    const of = `reverses_id = '0198f3a0-0000-7000-8000-000000000003'`;
    await refused(set(first, whole), 'attempt_of_net_cancel');
    await refused(set(first, `${whole}, ${of}, cancel_id = id`), 'attempt_of_cancel');
    await set(first, `${whole}, ${of}`);
    await refused(set(first, 'cancel_amount = amount - 1'), 'attempt_of_reversal');
    await refused(set(second, `${whole}, ${of}, number = 2`), 'attempt_one_live_reversal');
    await refused(
      set(first, `state = 'APPROVED', closed_at = now(), approved_at = now()`),
      'attempt_reversed_with_proof',
    );
    await set(first, `state = 'APPROVED', closed_at = now()`);
  });

  it('the same exception twice while it is open', async () => {
    const attemptId = '0198f3a0-0000-7000-8000-000000000001';
    const open = () =>
      rig.pool.query(
        `insert into exception (id, kind, payment_id, attempt_id, merchant_id, livemode, detail)
         values (gen_random_uuid(), 'MISMATCH', $1, $1, $1, true, '{}')`,
        [attemptId],
      );
    await open();
    await refused(open(), 'exception_one_open');
    await rig.pool.query(
      `update exception set resolved_at = now(), resolution = 'seen', resolved_by = 'me'`,
    );
    await open();
  });
});
