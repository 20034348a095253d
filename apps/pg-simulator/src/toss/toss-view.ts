import { TOSS_ERRORS } from './toss-errors.ts';
import { balanceOf, statusOf, type TossPayment } from './toss-payment.ts';

/** A code and its last four digits of a card, picked by the payment key and thus always the same. */
const ISSUERS = ['11', '21', '31', '41', '51', '61', '71', '91'] as const;
const VAT_DIVISOR = 11;
const SEOUL_OFFSET_MS = 9 * 3_600_000;

/**
 * Toss's Payment object (docs.tosspayments.com/reference) as it was after the first `cancels` cancels:
 * an answer that is replayed shows the payment of its own time.
 */
export function viewOf(payment: TossPayment, cancels: number, nowMs: number): object {
  const status = statusOf(payment, cancels, nowMs);
  const isDeposit = payment.scenario.outcome === 'DEPOSIT';
  const wasConfirmed = payment.approvalKey !== null;
  const balance = balanceOf(payment, cancels);
  const vat = Math.floor(payment.amount / VAT_DIVISOR);
  return {
    mId: 'tosspayments',
    version: '2022-11-16',
    lastTransactionKey: payment.cancels[cancels - 1]?.transactionKey ?? payment.approvalKey,
    paymentKey: payment.paymentKey,
    orderId: payment.orderId,
    orderName: payment.orderName ?? '',
    taxExemptionAmount: 0,
    status,
    requestedAt: seoulTime(payment.requestedAtMs),
    approvedAt: payment.approvedAtMs === null ? null : seoulTime(payment.approvedAtMs),
    useEscrow: false,
    cultureExpense: false,
    card: wasConfirmed && !isDeposit ? cardOf(payment) : null,
    virtualAccount: wasConfirmed && isDeposit ? virtualAccountOf(payment) : null,
    transfer: null,
    mobilePhone: null,
    giftCertificate: null,
    cashReceipt: null,
    cashReceipts: null,
    discount: null,
    cancels: cancels === 0 ? null : payment.cancels.slice(0, cancels).map(cancelView(payment)),
    secret: isDeposit && wasConfirmed ? `ps_${payment.paymentKey.slice(-20)}` : null,
    type: 'NORMAL',
    easyPay: null,
    country: 'KR',
    failure: failureOf(payment, status),
    isPartialCancelable: true,
    receipt: wasConfirmed ? { url: 'https://dashboard.tosspayments.com/receipt' } : null,
    checkout: { url: `https://api.tosspayments.com/v1/payments/${payment.paymentKey}/checkout` },
    currency: 'KRW',
    totalAmount: payment.amount,
    balanceAmount: balance,
    suppliedAmount: payment.amount - vat,
    vat,
    taxFreeAmount: 0,
    metadata: null,
    method: wasConfirmed ? (isDeposit ? '가상계좌' : '카드') : null,
  };
}

export function seoulTime(ms: number): string {
  return `${new Date(ms + SEOUL_OFFSET_MS).toISOString().slice(0, 19)}+09:00`;
}

function cardOf(payment: TossPayment): object {
  const hash = hashOf(payment.paymentKey);
  const issuerCode = ISSUERS[hash % ISSUERS.length];
  return {
    issuerCode,
    acquirerCode: issuerCode,
    number: `${43300000 + (hash % 10_000)}****${String(hash % 1000).padStart(3, '0')}*`,
    installmentPlanMonths: 0,
    isInterestFree: false,
    interestPayer: null,
    approveNo: String(hash % 100_000_000).padStart(8, '0'),
    useCardPoint: false,
    cardType: hash % 3 === 0 ? '체크' : '신용',
    ownerType: '개인',
    acquireStatus: 'READY',
    amount: payment.amount,
  };
}

function virtualAccountOf(payment: TossPayment): object {
  return {
    accountType: '일반',
    accountNumber: `X${String(hashOf(payment.paymentKey)).padStart(13, '0')}`,
    bankCode: '20',
    customerName: '김토스',
    dueDate: seoulTime(payment.requestedAtMs + 7 * 86_400_000).slice(0, 19),
    refundStatus: 'NONE',
    expired: false,
    settlementStatus: 'INCOMPLETED',
    refundReceiveAccount: null,
  };
}

function cancelView(payment: TossPayment) {
  return (cancel: TossPayment['cancels'][number], index: number): object => ({
    transactionKey: cancel.transactionKey,
    cancelReason: cancel.reason,
    taxExemptionAmount: 0,
    canceledAt: seoulTime(cancel.atMs),
    transferDiscountAmount: 0,
    easyPayDiscountAmount: 0,
    receiptKey: null,
    cancelAmount: cancel.amount,
    taxFreeAmount: cancel.taxFreeAmount,
    refundableAmount: balanceOf(payment, index + 1),
    cancelStatus: 'DONE',
    cancelRequestId: null,
  });
}

function failureOf(payment: TossPayment, status: string): object | null {
  if (payment.failure !== null) {
    return { code: payment.failure, message: TOSS_ERRORS[payment.failure][1] };
  }
  if (status !== 'EXPIRED') return null;
  return { code: 'EXPIRED_PAYMENT', message: '결제가 만료되었습니다. 다시 시도해주세요.' };
}

/** FNV-1a, so that a payment shows the same card after a restart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
