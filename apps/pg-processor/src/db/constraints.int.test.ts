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
