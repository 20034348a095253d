import { UNIFIED_CODES, type UnifiedCode } from '@mini-pg/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TAXONOMY } from '../taxonomy.ts';
import { paymentOf, readError, stateOf, unifiedOf } from './toss-mapping.ts';
import { type TossPayment, tossPaymentSchema } from './toss-wire.ts';

/** Every code that Toss lists, with the HTTP status that its list gives (reference/error-codes). */
const TABLE: Readonly<Record<number, string>> = {
  400: `PROVIDER_ERROR CARD_PROCESSING_ERROR ALREADY_PROCESSED_PAYMENT ALREADY_COMPLETED_PAYMENT
    ALREADY_REFUNDING_PAYMENT ALREADY_PROCESSING_REQUEST ALREADY_CANCELED_PAYMENT
    ALREADY_REFUND_PAYMENT DUPLICATED_ORDER_ID DUPLICATED_REQUEST ALREADY_REMOVED_BILLING_KEY
    INVALID_REQUEST INVALID_REQUIRED_PARAM INVALID_ORDER_ID INVALID_PAYMENT_KEY
    INVALID_CUSTOMER_KEY INVALID_CURRENCY INVALID_IDEMPOTENCY_KEY BELOW_MINIMUM_AMOUNT
    BELOW_ZERO_AMOUNT EXCEED_MAX_AMOUNT EXCEED_MAX_CARD_INSTALLMENT_PLAN
    INVALID_CARD_INSTALLMENT_PLAN NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT
    NOT_SUPPORTED_MONTHLY_INSTALLMENT_PLAN NOT_ALLOWED_POINT_USE NOT_SUPPORTED_METHOD
    INVALID_API_KEY INVALID_CLIENT_KEY INVALID_AUTHORIZE_AUTH API_VERSION_UPDATE_NEEDED
    NOT_FOUND_TERMINAL_ID INVALID_UNREGISTERED_SUBMALL NOT_REGISTERED_BUSINESS
    UNAPPROVED_ORDER_ID INVALID_REJECT_CARD INVALID_STOPPED_CARD INVALID_CARD_NUMBER
    INVALID_CARD_EXPIRATION INVALID_CARD_PASSWORD INVALID_CARD_IDENTITY
    INVALID_CARD_LOST_OR_STOLEN NOT_SUPPORTED_CARD_TYPE NOT_REGISTERED_CARD_COMPANY
    EXCEED_MAX_DAILY_PAYMENT_COUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT
    EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT
    RESTRICTED_TRANSFER_ACCOUNT INVALID_ACCOUNT_INFO_RE_REGISTER NOT_AVAILABLE_PAYMENT
    INVALID_BILL_KEY_REQUEST INVALID_BILLING_AUTH NOT_MATCHES_CUSTOMER_KEY
    NOT_MATCHES_REFUNDABLE_AMOUNT INVALID_REFUND_AMOUNT EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT
    INVALID_REFUND_ACCOUNT_INFO INVALID_REFUND_ACCOUNT_NUMBER INVALID_BANK REFUND_REJECTED
    FORBIDDEN_BANK_REFUND_REQUEST MAINTAINED_METHOD PAY_PROCESS_CANCELED PAY_PROCESS_ABORTED`,
  401: 'UNAUTHORIZED_KEY',
  403: `REJECT_CARD_PAYMENT REJECT_ACCOUNT_PAYMENT REJECT_CARD_COMPANY
    REJECT_TOSSPAY_INVALID_ACCOUNT FDS_ERROR EXCEED_MAX_AUTH_COUNT INVALID_PASSWORD
    EXCEED_MAX_ONE_DAY_AMOUNT NOT_AVAILABLE_BANK FORBIDDEN_REQUEST INCORRECT_BASIC_AUTH_FORMAT
    FORBIDDEN_CONSECUTIVE_REQUEST NOT_CANCELABLE_AMOUNT NOT_CANCELABLE_PAYMENT
    NOT_ALLOWED_PARTIAL_REFUND NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT EXCEED_MAX_REFUND_DUE
    EXCEED_MAX_REFUND_AMOUNT EXCEED_CANCEL_LIMIT NOT_SUPPORTED_REFUND
    NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER`,
  404: 'NOT_FOUND NOT_FOUND_PAYMENT NOT_FOUND_BILLING NOT_FOUND_MERCHANT NOT_FOUND_PAYMENT_SESSION',
  409: 'IDEMPOTENT_REQUEST_PROCESSING',
  500: `FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING FAILED_INTERNAL_SYSTEM_PROCESSING
    UNKNOWN_PAYMENT_ERROR UNKNOWN_ERROR COMMON_ERROR FAILED_DB_PROCESSING
    FAILED_CARD_COMPANY_RESPONSE FAILED_METHOD_HANDLING FAILED_METHOD_HANDLING_CANCEL
    FAILED_REFUND_PROCESS FAILED_PARTIAL_REFUND FAILED_BILLING_AUTO_CANCEL
    FAILED_BILL_KEY_AUTH_CREATION`,
};

const CODES = Object.entries(TABLE).flatMap(([status, codes]) =>
  codes.split(/\s+/).map((code) => ({ code, status: Number(status) })),
);

/** Section 8, one code of every entry and each that a wildcard could take to the wrong row. */
const SECTION_8: Readonly<Record<UnifiedCode, string>> = {
  CARD_DECLINED: `REJECT_CARD_COMPANY INVALID_REJECT_CARD FDS_ERROR REJECT_TOSSPAY_INVALID_ACCOUNT
    RESTRICTED_TRANSFER_ACCOUNT NOT_AVAILABLE_PAYMENT`,
  INSUFFICIENT_FUNDS_OR_LIMIT: `REJECT_CARD_PAYMENT REJECT_ACCOUNT_PAYMENT
    EXCEED_MAX_DAILY_PAYMENT_COUNT EXCEED_MAX_PAYMENT_AMOUNT EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT
    EXCEED_MAX_ONE_DAY_AMOUNT EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT
    EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT`,
  INVALID_PAYMENT_METHOD: `INVALID_STOPPED_CARD INVALID_CARD_NUMBER INVALID_CARD_EXPIRATION
    INVALID_CARD_LOST_OR_STOLEN NOT_SUPPORTED_CARD_TYPE NOT_REGISTERED_CARD_COMPANY
    ALREADY_REMOVED_BILLING_KEY NOT_FOUND_BILLING INVALID_ACCOUNT_INFO_RE_REGISTER`,
  AUTHENTICATION_FAILED: `PAY_PROCESS_CANCELED PAY_PROCESS_ABORTED INVALID_CARD_PASSWORD
    INVALID_CARD_IDENTITY INVALID_PASSWORD EXCEED_MAX_AUTH_COUNT NOT_FOUND_PAYMENT_SESSION
    EXPIRED_PAYMENT`,
  INVALID_REQUEST: `INVALID_REQUEST INVALID_ORDER_ID INVALID_IDEMPOTENCY_KEY INVALID_BANK
    BELOW_MINIMUM_AMOUNT BELOW_ZERO_AMOUNT EXCEED_MAX_AMOUNT EXCEED_MAX_CARD_INSTALLMENT_PLAN
    NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT NOT_MATCHES_CUSTOMER_KEY UNAPPROVED_ORDER_ID`,
  AMOUNT_MISMATCH: `NOT_MATCHES_REFUNDABLE_AMOUNT NOT_CANCELABLE_AMOUNT INVALID_REFUND_AMOUNT
    EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT`,
  ALREADY_PROCESSED: `ALREADY_PROCESSED_PAYMENT ALREADY_COMPLETED_PAYMENT ALREADY_CANCELED_PAYMENT
    ALREADY_REFUND_PAYMENT DUPLICATED_ORDER_ID DUPLICATED_REQUEST`,
  NOT_FOUND: 'NOT_FOUND NOT_FOUND_PAYMENT NOT_FOUND_MERCHANT',
  NOT_CANCELABLE: `NOT_CANCELABLE_PAYMENT NOT_CANCELABLE_PAYMENT_FOR_DORMANT_USER
    NOT_ALLOWED_PARTIAL_REFUND NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT EXCEED_MAX_REFUND_DUE
    EXCEED_MAX_REFUND_AMOUNT EXCEED_CANCEL_LIMIT NOT_SUPPORTED_REFUND REFUND_REJECTED
    FORBIDDEN_BANK_REFUND_REQUEST`,
  IN_PROGRESS: 'IDEMPOTENT_REQUEST_PROCESSING ALREADY_PROCESSING_REQUEST ALREADY_REFUNDING_PAYMENT',
  PROVIDER_UNAVAILABLE: `MAINTAINED_METHOD NOT_AVAILABLE_BANK CARD_PROCESSING_ERROR
    FAILED_BILL_KEY_AUTH_CREATION FORBIDDEN_CONSECUTIVE_REQUEST`,
  OUTCOME_UNKNOWN: `PROVIDER_ERROR FAILED_INTERNAL_SYSTEM_PROCESSING FAILED_REFUND_PROCESS
    UNKNOWN_ERROR UNKNOWN_PAYMENT_ERROR COMMON_ERROR`,
  CONFIG_ERROR: `UNAUTHORIZED_KEY INVALID_API_KEY INVALID_CLIENT_KEY INVALID_AUTHORIZE_AUTH
    FORBIDDEN_REQUEST INCORRECT_BASIC_AUTH_FORMAT API_VERSION_UPDATE_NEEDED NOT_FOUND_TERMINAL_ID
    INVALID_UNREGISTERED_SUBMALL NOT_REGISTERED_BUSINESS`,
};

describe('the table of Toss codes', () => {
  it('knows every code of section 1.7', () => {
    expect(CODES).toHaveLength(107);
    expect(CODES.filter(({ code }) => unifiedOf(code) === null)).toEqual([]);
  });

  it.each(Object.entries(SECTION_8))('maps to %s what section 8 lists there', (unified, codes) => {
    for (const code of codes.split(/\s+/)) expect([code, unifiedOf(code)]).toEqual([code, unified]);
  });

  it('gives each code of section 1.7 under its own status the certainty of its meaning', () => {
    for (const { code, status } of CODES) {
      const { error, certain } = readError('APPROVE', status, { code });
      const open = ['OUTCOME_UNKNOWN', 'IN_PROGRESS'].includes(error.code);
      expect([code, certain]).toEqual([code, !open]);
    }
  });

  it('never declines by a code that nobody listed', () => {
    const status = fc.integer({ min: 200, max: 599 });
    const code = fc.string({ minLength: 1 }).filter((text) => unifiedOf(text) === null);
    fc.assert(
      fc.property(status, code, fc.constantFrom('APPROVE', 'CANCEL'), (http, text, operation) => {
        const { error, certain } = readError(operation, http, { code: text });
        const limited = http === 429;
        expect(error.code).toBe(limited ? 'PROVIDER_UNAVAILABLE' : 'OUTCOME_UNKNOWN');
        expect(certain).toBe(limited);
      }),
    );
  });

  it('never lets a status alone make an answer certain', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), (status) => {
        const { certain } = readError('APPROVE', status, null);
        expect(certain).toBe(status === 429);
      }),
    );
  });

  it('takes a listed code at its word only under a status that fits', () => {
    for (const [status, certain] of [
      [200, false],
      [302, false],
      [403, true],
      [500, false],
    ] as const) {
      expect(readError('APPROVE', status, { code: 'REJECT_CARD_COMPANY' }).certain).toBe(certain);
    }
  });
});

describe('the taxonomy', () => {
  it('has the thirteen codes and nothing else', () => {
    expect(Object.keys(TAXONOMY).sort()).toEqual([...UNIFIED_CODES].sort());
    expect(UNIFIED_CODES).toHaveLength(13);
  });
});

function payment(fields: Record<string, unknown> = {}): TossPayment {
  return tossPaymentSchema.parse({
    paymentKey: 'tgen_1',
    orderId: 'order-0001',
    status: 'DONE',
    currency: 'KRW',
    totalAmount: 1000,
    balanceAmount: 1000,
    approvedAt: '2026-02-13T12:18:14+09:00',
    lastTransactionKey: 'TX1',
    ...fields,
  });
}

const CANCEL = {
  transactionKey: 'TX2',
  cancelAmount: 300,
  canceledAt: '2026-02-14T00:00:00+09:00',
  cancelStatus: 'DONE',
};

describe('the state of a payment', () => {
  const states: [string, Record<string, unknown>, string][] = [
    ['READY', { approvedAt: null }, 'IN_PROGRESS'],
    ['IN_PROGRESS', { approvedAt: null }, 'IN_PROGRESS'],
    ['WAITING_FOR_DEPOSIT', { approvedAt: null }, 'WAITING_FOR_DEPOSIT'],
    ['DONE', {}, 'PAID'],
    ['CANCELED', { balanceAmount: 0, cancels: [CANCEL] }, 'CANCELLED'],
    ['PARTIAL_CANCELED', { balanceAmount: 700, cancels: [CANCEL] }, 'PARTIALLY_CANCELLED'],
    ['ABORTED', { approvedAt: null }, 'FAILED'],
    ['EXPIRED', { approvedAt: null }, 'FAILED'],
  ];
  it.each(states)('is mapped for %s', (status, fields, state) => {
    expect(stateOf(payment({ status, ...fields }))).toBe(state);
  });

  it('is CANCELLED when the last part went, whatever the status says', () => {
    const last = { status: 'PARTIAL_CANCELED', balanceAmount: 0, cancels: [CANCEL] };
    expect(stateOf(payment(last))).toBe('CANCELLED');
  });

  it('is CANCELLED for a deposit given up, which never had a balance to lose', () => {
    expect(stateOf(payment({ status: 'CANCELED', approvedAt: null }))).toBe('CANCELLED');
  });

  it('is UNLISTED when the payment contradicts itself', () => {
    expect(stateOf(payment({ status: 'CANCELED', balanceAmount: 500 }))).toBe('UNLISTED');
    expect(stateOf(payment({ status: 'DONE', cancels: [CANCEL] }))).toBe('UNLISTED');
  });

  it('is UNLISTED for every other word', () => {
    fc.assert(
      fc.property(fc.string(), (status) => {
        fc.pre(!states.some(([listed]) => listed === status));
        expect(stateOf(payment({ status }))).toBe('UNLISTED');
      }),
    );
    expect(stateOf(payment({ status: 'toString' }))).toBe('UNLISTED');
  });
});

describe('a payment that failed', () => {
  const aborted = { status: 'ABORTED', approvedAt: null };

  it('has no transaction, though Toss shows a key', () => {
    expect(paymentOf(payment(aborted)).pgTransactionId).toBeNull();
  });

  const failures: [string, UnifiedCode][] = [
    ['REJECT_CARD_PAYMENT', 'INSUFFICIENT_FUNDS_OR_LIMIT'],
    ['COMMON_ERROR', 'PROVIDER_UNAVAILABLE'],
    ['SOMETHING_NEW', 'CARD_DECLINED'],
  ];
  it.each(failures)('says why: %s', (code, unified) => {
    const failed = payment({ ...aborted, failure: { code, message: '사유' } });
    expect(paymentOf(failed).failure).toEqual({ code: unified, pgCode: code, message: '사유' });
  });

  it('says that the window passed when it expired, and nothing when Toss says nothing', () => {
    const expired = payment({ status: 'EXPIRED', approvedAt: null });
    expect(paymentOf(expired).failure?.code).toBe('AUTHENTICATION_FAILED');
    expect(paymentOf(payment(aborted)).failure).toBeNull();
  });
});

describe('the method of a payment', () => {
  const methods: [string, Record<string, unknown>, Record<string, unknown>][] = [
    [
      'a card',
      { method: '카드', card: { issuerCode: '11', number: '43301234****123*', cardType: '체크' } },
      { type: 'CARD', issuer: '11', cardType: 'DEBIT', maskedNumber: '43301234****123*' },
    ],
    [
      'an easy payment without a card',
      { method: '간편결제', easyPay: { provider: '토스페이' } },
      { type: 'EASY_PAY', issuer: '토스페이', maskedNumber: null },
    ],
    [
      'an account number, which is masked',
      { method: '가상계좌', virtualAccount: { bankCode: '20', accountNumber: 'X6505636518308' } },
      { type: 'VIRTUAL_ACCOUNT', issuer: '20', maskedNumber: '****8308' },
    ],
    [
      'a card number that somebody forgot to mask',
      { method: '카드', card: { number: '4330123412341234' } },
      { type: 'CARD', maskedNumber: '****1234' },
    ],
    ['a method that is new', { method: '코인' }, { type: '코인', issuer: null }],
    ['a method that is not told', { method: null }, { type: 'UNKNOWN' }],
  ];
  it.each(methods)('is read for %s', (_name, fields, detail) => {
    expect(paymentOf(payment(fields)).methodDetail).toMatchObject(detail);
  });
});
