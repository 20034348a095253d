import type { PostgresPool, Queryable } from '@mini-pg/database';
import {
  businessDateOf,
  cancelLine,
  type FeeLine,
  type FeePolicy,
  hashItems,
  paymentLine,
  type SettlementItem,
} from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { insertRow } from './rows.ts';
import { addReserve } from './sound-cancels.ts';
import { ACCOUNT, completed, METHOD_DETAIL, type SoundPayment } from './sound-payments.ts';

export interface Merchant {
  readonly id: string;
  readonly policy: FeePolicy;
  readonly payoutDays: number;
  /** Where the statement of {@link CLOSED_DATE} pays out. */
  readonly payoutDate: string;
}

export const TERMS_FROM = '2026-03-01';
/** A Friday; two business days later is the next Tuesday, one is Monday. */
export const CLOSED_DATE = '2026-03-13';

export async function addMerchant(database: Queryable, merchant: Merchant): Promise<void> {
  const at = new Date('2026-03-01T00:00:00Z');
  const { id, policy, payoutDays } = merchant;
  const terms = {
    merchant_id: id,
    from_date: TERMS_FROM,
    fee_ppm: Number(policy.feePpm),
    fixed_fee: policy.fixedFee,
    vat_mode: policy.vatMode,
    payout_days: payoutDays,
  };
  const common = { id, name: 'A shop', status: 'ACTIVE', version: 1, updated_at: at };
  const by = { created_by: 'test', updated_by: 'test' };
  await insertRow(database, 'payment.merchant', { ...common, ...by });
  await insertRow(database, 'payment.merchant_terms', { ...terms, created_by: 'test' });
  await insertRow(database, 'settlement.merchant', common);
  await insertRow(database, 'settlement.merchant_terms', terms);
}

/** A line of a statement before it has one. */
export interface SoundLine {
  readonly payment: SoundPayment;
  readonly id: string;
  readonly kind: 'PAYMENT' | 'CANCEL';
  readonly saleDate: string;
  readonly line: FeeLine;
}

/** Stores the fact of an approval; the database lists it as open. */
export async function addPaymentFact(
  database: Queryable,
  payment: SoundPayment,
  policy: FeePolicy,
): Promise<SoundLine> {
  const saleDate = businessDateOf(payment.at);
  await insertRow(database, 'settlement.fact', {
    ...factRow(payment),
    id: payment.attemptId,
    kind: 'PAYMENT',
    amount: payment.amount,
    pg_transaction_id: payment.pgTransactionId,
    event_id: payment.eventId,
  });
  const line = paymentLine(payment.amount, policy);
  return { payment, id: payment.attemptId, kind: 'PAYMENT', saleDate, line };
}

/** Cancels a payment in part: its fact for the merchant and for the books. */
export async function addCancel(
  database: Queryable,
  payment: SoundPayment,
  amount: bigint,
  policy: FeePolicy,
  balance: bigint = payment.amount,
): Promise<SoundLine> {
  const id = newId();
  const eventId = newId();
  const remaining = balance - amount;
  const data = {
    ...completed(payment),
    cancelId: id,
    cancelAmount: Number(amount),
    remainingBefore: Number(balance),
    remainingAfter: Number(remaining),
  };
  await insertRow(database, 'payment.payment_fact', {
    payment_id: payment.paymentId,
    kind: 'CANCELLED',
    fact_key: id,
    event_id: eventId,
    sequence: 2,
    data,
    occurred_at: payment.at,
  });
  await addReserve(database, payment, payment.amount - remaining);
  await insertRow(database, 'settlement.fact', {
    ...factRow(payment),
    id,
    kind: 'CANCEL',
    amount,
    remaining_before: balance,
    remaining_after: remaining,
    pg_transaction_id: `cancel-${id}`,
    event_id: eventId,
  });
  const saleDate = businessDateOf(payment.at);
  return {
    payment,
    id,
    kind: 'CANCEL',
    saleDate,
    line: cancelLine(balance, remaining, policy),
  };
}

function factRow(payment: SoundPayment) {
  const saleDate = businessDateOf(payment.at);
  return {
    payment_id: payment.paymentId,
    merchant_id: payment.merchantId,
    livemode: payment.livemode,
    order_id: payment.orderId,
    currency: 'KRW',
    tax_free_amount: 0n,
    pg: 'toss',
    pg_account_id: ACCOUNT,
    pg_order_id: payment.orderId,
    pg_payment_id: payment.pgPaymentId,
    method_detail: METHOD_DETAIL,
    occurred_at: payment.at,
    sale_date: saleDate,
    terms_date: saleDate,
  };
}

/** Closes {@link CLOSED_DATE} over the lines given, and shows the statements to the merchants. */
export async function closeDay(
  pool: PostgresPool,
  merchants: readonly Merchant[],
  lines: readonly SoundLine[],
): Promise<string> {
  const runId = newId();
  const at = new Date('2026-03-13T15:10:00Z');
  const { rows } = await pool.query<{ snapshot: string }>(
    'select pg_current_snapshot()::text as snapshot',
  );
  await insertRow(pool, 'settlement.settlement_run', {
    id: runId,
    date: CLOSED_DATE,
    status: 'CLOSED',
    requested_by: 'test',
    snapshot: rows[0]?.snapshot,
    facts_held: 0n,
    started_at: at,
    itemized_at: at,
    stated_at: at,
    closed_at: at,
    finished_at: at,
  });
  for (const merchant of merchants) {
    const own = lines.filter(({ payment }) => payment.merchantId === merchant.id);
    await addStatement(pool, runId, merchant, own, at);
  }
  await addControlTotals(pool, runId);
  await pool.query('delete from settlement.fact_open where sale_date <= $1', [CLOSED_DATE]);
  return runId;
}

async function addStatement(
  pool: PostgresPool,
  runId: string,
  merchant: Merchant,
  lines: readonly SoundLine[],
  at: Date,
): Promise<void> {
  const sum = (of: (line: FeeLine) => bigint): bigint =>
    lines.reduce((total, { line }) => total + of(line), 0n);
  const statement = {
    id: newId(),
    merchant_id: merchant.id,
    livemode: true,
    currency: 'KRW',
    date: CLOSED_DATE,
    count: BigInt(lines.length),
    gross: sum(({ amount }) => amount),
    fee: sum(({ fee }) => fee),
    vat: sum(({ vat }) => vat),
    net: sum(({ net }) => net),
    payout_date: merchant.payoutDate,
    items_hash: hashItems(lines.map(itemOf)),
  };
  for (const line of lines) await addItem(pool, runId, statement.id, merchant, line, at);
  await insertRow(pool, 'settlement.settlement', {
    ...statement,
    run_id: runId,
    payout_days: merchant.payoutDays,
    parts_published: 1,
    published_at: at,
  });
  await insertRow(pool, 'payment.settlement', { ...statement, closed_at: at, complete_at: at });
}

async function addItem(
  pool: PostgresPool,
  runId: string,
  settlementId: string,
  merchant: Merchant,
  { payment, id, kind, saleDate, line }: SoundLine,
  at: Date,
): Promise<void> {
  const item = {
    id,
    kind,
    payment_id: payment.paymentId,
    order_id: payment.orderId,
    sale_date: saleDate,
    ...line,
  };
  await insertRow(pool, 'settlement.settlement_item', {
    ...item,
    run_id: runId,
    merchant_id: merchant.id,
    livemode: true,
    currency: 'KRW',
    fee_ppm: Number(merchant.policy.feePpm),
    fixed_fee: merchant.policy.fixedFee,
    vat_mode: merchant.policy.vatMode,
  });
  await insertRow(pool, 'payment.settlement_item', { ...item, settlement_id: settlementId });
  if (kind !== 'PAYMENT') return;
  await insertRow(pool, 'payment.payment_fact', {
    payment_id: payment.paymentId,
    kind: 'SETTLED',
    fact_key: id,
    event_id: newId(),
    data: { settlementId, itemId: id },
    occurred_at: at,
  });
}

function itemOf({ payment, id, kind, saleDate, line }: SoundLine): SettlementItem {
  return {
    id,
    kind,
    paymentId: payment.paymentId,
    orderId: payment.orderId,
    saleDate,
    amount: Number(line.amount),
    fee: Number(line.fee),
    vat: Number(line.vat),
    net: Number(line.net),
  };
}

async function addControlTotals(pool: PostgresPool, runId: string): Promise<void> {
  const totals = 'sum(gross), sum(fee), sum(vat), sum(net) from settlement.settlement';
  for (const stage of ['FACTS', 'ITEMS', 'STATEMENTS']) {
    await pool.query(
      `insert into settlement.settlement_control
         (run_id, stage, currency, count, gross, fee, vat, net)
       select run_id, $2, currency, sum(count), ${totals} where run_id = $1
       group by run_id, currency`,
      [runId, stage],
    );
  }
}
