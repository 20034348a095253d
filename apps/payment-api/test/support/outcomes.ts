import { createEvent, type DataOf } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import type { Delivered } from '../../src/projection/delivered.ts';

type Payment = {
  id: string;
  merchantId: string;
  livemode: boolean;
  orderId: string;
  amount: number;
};

const NOW = '2026-03-31T05:00:00.000Z';
const LATER = '2026-04-01T00:00:00.000Z';

function delivered(event: Delivered['event']): Delivered {
  return { event, traceId: null, traceparent: undefined };
}

/** `payment.completed` as pg-processor sends it. */
export function completed(
  payment: Payment,
  change: Partial<DataOf<'payment.completed'>> = {},
): Delivered {
  const { id, merchantId, livemode, orderId, amount } = payment;
  return delivered(
    createEvent('payment.completed', {
      id: newId(),
      source: 'pg-processor',
      time: NOW,
      subject: id,
      data: {
        merchantId,
        livemode,
        paymentId: id,
        sequence: 1,
        attemptId: newId(),
        orderId,
        pg: 'toss',
        pgAccountId: 'live01',
        pgOrderId: orderId,
        pgPaymentId: `key-${orderId}`,
        pgTransactionId: `tx-${id}`,
        amount,
        taxFreeAmount: 0,
        currency: 'KRW',
        methodDetail: {
          type: 'CARD',
          issuer: '61',
          acquirer: '31',
          cardType: 'CREDIT',
          ownerType: 'PERSONAL',
          installmentMonths: 0,
          interestFree: false,
          approveNo: '00000000',
          maskedNumber: '54287967****867*',
        },
        approvedAt: NOW,
        ...change,
      },
    }),
  );
}

/** `payment.failed` as pg-processor sends it. */
export function failed(
  payment: Payment,
  code: 'CARD_DECLINED' | 'EXPIRED' | 'CANCELLED_BEFORE_APPROVAL' = 'CARD_DECLINED',
): Delivered {
  const { id, merchantId, livemode, orderId, amount } = payment;
  return delivered(
    createEvent('payment.failed', {
      id: newId(),
      source: 'pg-processor',
      time: NOW,
      subject: id,
      data: {
        merchantId,
        livemode,
        paymentId: id,
        sequence: 1,
        attemptId: newId(),
        orderId,
        pg: 'toss',
        pgAccountId: 'live01',
        amount,
        currency: 'KRW',
        failure: { code, message: 'The issuer refuses.', retryable: false, pgCode: null },
        failedAt: NOW,
      },
    }),
  );
}

/** `payment.settled` as settlement-worker sends it. */
export function settled(payment: Payment): Delivered {
  const { id, merchantId, livemode } = payment;
  return delivered(
    createEvent('payment.settled', {
      id: newId(),
      source: 'settlement-worker',
      time: NOW,
      subject: id,
      data: {
        merchantId,
        livemode,
        paymentId: id,
        settlementId: newId(),
        itemId: newId(),
        date: '2026-03-31',
        settledAt: NOW,
      },
    }),
  );
}

/** `payment.cancelled` as pg-processor sends it, with the facts of the approval. */
export function cancelled(
  payment: Payment,
  change: Partial<DataOf<'payment.cancelled'>> & { readonly cancelAmount: number },
): Delivered {
  const approval = completed(payment).event.data as DataOf<'payment.completed'>;
  const remainingBefore = change.remainingBefore ?? payment.amount;
  return delivered(
    createEvent('payment.cancelled', {
      id: newId(),
      source: 'pg-processor',
      time: LATER,
      subject: payment.id,
      data: {
        ...approval,
        sequence: 2,
        cancelId: newId(),
        cancelTaxFreeAmount: 0,
        cancelTransactionId: `cancel-${payment.id}`,
        remainingBefore,
        remainingAfter: remainingBefore - change.cancelAmount,
        cancelledAt: LATER,
        ...change,
      },
    }),
  );
}

/** `payment.cancel-failed` as pg-processor sends it. */
export function cancelFailed(
  payment: Pick<Payment, 'id' | 'merchantId' | 'livemode'>,
  cancelId: string,
  code: 'NOT_CANCELABLE' | 'PAYMENT_FAILED' = 'NOT_CANCELABLE',
): Delivered {
  const { id, merchantId, livemode } = payment;
  return delivered(
    createEvent('payment.cancel-failed', {
      id: newId(),
      source: 'pg-processor',
      time: LATER,
      subject: id,
      data: {
        merchantId,
        livemode,
        paymentId: id,
        cancelId,
        sequence: 2,
        failure: { code, message: 'The PG refuses.', retryable: false, pgCode: null },
        failedAt: LATER,
      },
    }),
  );
}
