import type { PostgresPool } from '@mini-pg/database';
import { newId } from '@mini-pg/runtime';
import type { LedgerEntry } from './ledger-server.ts';
import { addDoneCancel, addOpenCancel } from './sound-cancels.ts';
import { addPayment, captureOf, type PaymentSpec, type SoundPayment } from './sound-payments.ts';
import { addReversal } from './sound-reversal.ts';
import {
  addCancel,
  addMerchant,
  addPaymentFact,
  closeDay,
  type Merchant,
} from './sound-settlement.ts';

/** A small system in which every rule holds, and the ids by which tests reach into it. */
export interface SoundBooks {
  readonly exclusive: Merchant;
  readonly inclusive: Merchant;
  /** Approved, settled and partly cancelled. */
  readonly settled: SoundPayment;
  readonly cancelId: string;
  /** Approved on the closed day, but stored after the close. */
  readonly late: SoundPayment;
  /** Approved on the next day, which is open; a part of it is being cancelled. */
  readonly unsettled: SoundPayment;
  readonly openCancelId: string;
  readonly failed: SoundPayment;
  /** Of unknown result, with an open exception. */
  readonly unknown: SoundPayment;
  readonly test: SoundPayment;
  readonly runId: string;
  /** Of a capture that was given back before anybody was told of it. */
  readonly reversedAttemptId: string;
  readonly ledger: readonly LedgerEntry[];
}

const NOON = new Date('2026-03-13T03:00:00Z');
const NEXT_NOON = new Date('2026-03-14T03:00:00Z');
const REQUESTED_AGO_MS = 120_000;

export async function fillSoundBooks(pool: PostgresPool): Promise<SoundBooks> {
  const [exclusive, inclusive] = MERCHANTS;
  await addMerchant(pool, exclusive);
  await addMerchant(pool, inclusive);
  const pay = (spec: Partial<PaymentSpec> & Pick<PaymentSpec, 'orderId' | 'end'>) =>
    addPayment(pool, { merchantId: exclusive.id, amount: 10_000n, at: NOON, ...spec });

  const settled = await pay({ orderId: 'order-settled', end: 'APPROVED', amount: 33_333n });
  const second = await pay({ orderId: 'order-second', end: 'APPROVED' });
  const other = await pay({
    orderId: 'order-other',
    end: 'APPROVED',
    merchantId: inclusive.id,
    amount: 64_601n,
  });
  const test = await pay({ orderId: 'order-test', end: 'APPROVED', livemode: false });
  const failed = await pay({ orderId: 'order-failed', end: 'FAILED' });
  const unknown = await pay({
    orderId: 'order-unknown',
    end: 'UNKNOWN',
    at: new Date(Date.now() - REQUESTED_AGO_MS),
  });

  const lines = [
    await addPaymentFact(pool, settled, exclusive.policy),
    await addPaymentFact(pool, second, exclusive.policy),
    await addPaymentFact(pool, other, inclusive.policy),
  ];
  const cancel = await addCancel(pool, settled, 11_111n, exclusive.policy);
  await addDoneCancel(pool, settled, {
    id: cancel.id,
    amount: 11_111n,
    pgTransactionId: 'tx-cancel',
  });
  await addPaymentFact(pool, test, exclusive.policy);
  const runId = await closeDay(pool, MERCHANTS, [...lines, cancel]);

  const late = await pay({ orderId: 'order-late', end: 'APPROVED' });
  await addPaymentFact(pool, late, exclusive.policy);
  const unsettled = await pay({ orderId: 'order-unsettled', end: 'APPROVED', at: NEXT_NOON });
  await addPaymentFact(pool, unsettled, exclusive.policy);
  const openCancelId = await addOpenCancel(pool, unsettled, 4_000n);

  const reversal = await addReversal(pool, await pay({ orderId: 'order-reversed', end: 'FAILED' }));

  const captures = [settled, second, other, test, late, unsettled].map(captureOf);
  const cancelled: LedgerEntry = {
    ...captureOf(settled),
    kind: 'CANCEL',
    pgTransactionId: 'tx-cancel',
    amount: 11_111,
  };
  return {
    exclusive,
    inclusive,
    settled,
    cancelId: cancel.id,
    late,
    unsettled,
    openCancelId,
    failed,
    unknown,
    test,
    runId,
    reversedAttemptId: reversal.attemptId,
    ledger: [...captures, cancelled, ...reversal.ledger],
  };
}

const MERCHANTS: readonly [Merchant, Merchant] = [
  {
    id: newId(),
    policy: { feePpm: 33_000n, fixedFee: 0n, vatMode: 'EXCLUSIVE' },
    payoutDays: 2,
    payoutDate: '2026-03-17',
  },
  {
    id: newId(),
    policy: { feePpm: 21_000n, fixedFee: 100n, vatMode: 'INCLUSIVE' },
    payoutDays: 1,
    payoutDate: '2026-03-16',
  },
];
