import type { MethodDetail, UnifiedCode } from '@mini-pg/domain';
import type { PgCancel, PgError, PgPayment, PgPaymentState } from '../gateway.ts';
import { type Operation, TAXONOMY, unlistedCode } from '../taxonomy.ts';
import type { TossError, TossPayment } from './toss-wire.ts';

/**
 * Toss's codes by name (docs.tosspayments.com/reference/error-codes). What a code means is ours to
 * say: the list gives a message for the shopper, and not whether anything was executed.
 */
const CODES: Readonly<Record<UnifiedCode, readonly string[]>> = {
  CARD_DECLINED: [
    'REJECT_CARD_COMPANY',
    'INVALID_REJECT_CARD',
    'FDS_ERROR',
    'REJECT_TOSSPAY_INVALID_ACCOUNT',
    'RESTRICTED_TRANSFER_ACCOUNT',
    'NOT_AVAILABLE_PAYMENT',
  ],
  INSUFFICIENT_FUNDS_OR_LIMIT: [
    'REJECT_CARD_PAYMENT',
    'REJECT_ACCOUNT_PAYMENT',
    'EXCEED_MAX_DAILY_PAYMENT_COUNT',
    'EXCEED_MAX_PAYMENT_AMOUNT',
    'EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT',
  ],
  INVALID_PAYMENT_METHOD: [
    'INVALID_STOPPED_CARD',
    'INVALID_CARD_NUMBER',
    'INVALID_CARD_EXPIRATION',
    'INVALID_CARD_LOST_OR_STOLEN',
    'NOT_SUPPORTED_CARD_TYPE',
    'NOT_REGISTERED_CARD_COMPANY',
    'ALREADY_REMOVED_BILLING_KEY',
    'NOT_FOUND_BILLING',
    'INVALID_ACCOUNT_INFO_RE_REGISTER',
  ],
  AUTHENTICATION_FAILED: [
    'PAY_PROCESS_CANCELED',
    'PAY_PROCESS_ABORTED',
    'INVALID_CARD_PASSWORD',
    'INVALID_CARD_IDENTITY',
    'INVALID_PASSWORD',
    'EXCEED_MAX_AUTH_COUNT',
    'NOT_FOUND_PAYMENT_SESSION',
    'EXPIRED_PAYMENT',
  ],
  INVALID_REQUEST: [
    'EXCEED_MAX_AMOUNT',
    'NOT_MATCHES_CUSTOMER_KEY',
    'UNAPPROVED_ORDER_ID',
    'NOT_ALLOWED_POINT_USE',
    'NOT_SUPPORTED_METHOD',
  ],
  AMOUNT_MISMATCH: [
    'NOT_MATCHES_REFUNDABLE_AMOUNT',
    'NOT_CANCELABLE_AMOUNT',
    'INVALID_REFUND_AMOUNT',
    'EXCEED_CANCEL_AMOUNT_DISCOUNT_AMOUNT',
  ],
  ALREADY_PROCESSED: [
    'ALREADY_PROCESSED_PAYMENT',
    'ALREADY_COMPLETED_PAYMENT',
    'ALREADY_CANCELED_PAYMENT',
    'ALREADY_REFUND_PAYMENT',
  ],
  NOT_FOUND: ['NOT_FOUND', 'NOT_FOUND_PAYMENT', 'NOT_FOUND_MERCHANT'],
  NOT_CANCELABLE: [
    'EXCEED_CANCEL_LIMIT',
    'NOT_SUPPORTED_REFUND',
    'REFUND_REJECTED',
    'FORBIDDEN_BANK_REFUND_REQUEST',
  ],
  IN_PROGRESS: [
    'IDEMPOTENT_REQUEST_PROCESSING',
    'ALREADY_PROCESSING_REQUEST',
    'ALREADY_REFUNDING_PAYMENT',
  ],
  PROVIDER_UNAVAILABLE: [
    'MAINTAINED_METHOD',
    'NOT_AVAILABLE_BANK',
    'CARD_PROCESSING_ERROR',
    'FAILED_BILL_KEY_AUTH_CREATION',
    'FORBIDDEN_CONSECUTIVE_REQUEST',
  ],
  OUTCOME_UNKNOWN: ['PROVIDER_ERROR', 'COMMON_ERROR'],
  CONFIG_ERROR: [
    'UNAUTHORIZED_KEY',
    'INVALID_API_KEY',
    'INVALID_CLIENT_KEY',
    'INVALID_AUTHORIZE_AUTH',
    'FORBIDDEN_REQUEST',
    'INCORRECT_BASIC_AUTH_FORMAT',
    'API_VERSION_UPDATE_NEEDED',
    'NOT_FOUND_TERMINAL_ID',
    'INVALID_UNREGISTERED_SUBMALL',
    'NOT_REGISTERED_BUSINESS',
  ],
};

/** Section 8's wildcards, asked in this order for a code that has no name above. */
const PATTERNS: readonly (readonly [RegExp, UnifiedCode])[] = [
  [/INSTALLMENT/, 'INVALID_REQUEST'],
  [/^EXCEED_MAX_ONE_/, 'INSUFFICIENT_FUNDS_OR_LIMIT'],
  [/^EXCEED_MAX_REFUND_/, 'NOT_CANCELABLE'],
  [/^NOT_CANCELABLE_PAYMENT/, 'NOT_CANCELABLE'],
  [/^NOT_ALLOWED_PARTIAL_REFUND/, 'NOT_CANCELABLE'],
  [/^DUPLICATED_/, 'ALREADY_PROCESSED'],
  [/^BELOW_/, 'INVALID_REQUEST'],
  [/^INVALID_/, 'INVALID_REQUEST'],
  [/^FAILED_/, 'OUTCOME_UNKNOWN'],
  [/^UNKNOWN_/, 'OUTCOME_UNKNOWN'],
];

const BY_CODE: ReadonlyMap<string, UnifiedCode> = new Map(
  (Object.entries(CODES) as [UnifiedCode, readonly string[]][]).flatMap(([unified, codes]) =>
    codes.map((code) => [code, unified] as const),
  ),
);

/** What a code of Toss means; null for one that no table lists. */
export function unifiedOf(tossCode: string): UnifiedCode | null {
  const named = BY_CODE.get(tossCode);
  if (named) return named;
  return PATTERNS.find(([pattern]) => pattern.test(tossCode))?.[1] ?? null;
}

/** Rate limits have a status of their own and no code (section 1.7). */
const RATE_LIMITED_STATUS = 429;

export interface ReadError {
  readonly error: PgError;
  /** The answer leaves no doubt; otherwise it is UNKNOWN. */
  readonly certain: boolean;
}

/**
 * What an error answer means. The code decides; the status can only take certainty away: a listed
 * code under a status that contradicts it (a decline as a 5xx, an error as a 200) is no clear word.
 * PROVIDER_UNAVAILABLE is the exception, since Toss sends it with 400, 403 and 500.
 */
export function readError(
  operation: Operation,
  httpStatus: number,
  body: TossError | null,
): ReadError {
  const listed = body === null ? null : unifiedOf(body.code);
  const rateLimited = listed === null && httpStatus === RATE_LIMITED_STATUS;
  const code = rateLimited ? 'PROVIDER_UNAVAILABLE' : (listed ?? unlistedCode(operation));
  const isError = httpStatus >= 400 && httpStatus < 500;
  const isFault = httpStatus >= 500 && code === 'PROVIDER_UNAVAILABLE';
  return {
    error: {
      code,
      pgCode: body?.code ?? null,
      message: body?.message ?? `HTTP ${httpStatus} without a readable error`,
    },
    certain: (listed !== null || rateLimited) && TAXONOMY[code].certain && (isError || isFault),
  };
}

/** Every status of section 1.3. A status that is not here is UNLISTED. */
const STATES: Readonly<Record<string, PgPaymentState>> = {
  READY: 'IN_PROGRESS',
  IN_PROGRESS: 'IN_PROGRESS',
  WAITING_FOR_DEPOSIT: 'WAITING_FOR_DEPOSIT',
  DONE: 'PAID',
  CANCELED: 'CANCELLED',
  PARTIAL_CANCELED: 'PARTIALLY_CANCELLED',
  ABORTED: 'FAILED',
  EXPIRED: 'FAILED',
};

export function stateOf(payment: TossPayment): PgPaymentState {
  const state = Object.hasOwn(STATES, payment.status) ? STATES[payment.status] : undefined;
  if (state === 'PARTIALLY_CANCELLED' && payment.balanceAmount === 0n) {
    // Measured: the status stays PARTIAL_CANCELED when the last part goes (section 1.3).
    return 'CANCELLED';
  }
  const wasCaptured = payment.approvedAt != null;
  if (state === 'CANCELLED' && wasCaptured && payment.balanceAmount > 0n) return 'UNLISTED';
  if (state === 'PAID' && cancelsOf(payment).length > 0) return 'UNLISTED';
  return state ?? 'UNLISTED';
}

export function paymentOf(payment: TossPayment): PgPayment {
  const state = stateOf(payment);
  return {
    pgPaymentId: payment.paymentKey,
    pgOrderId: payment.orderId,
    // The key of the latest approval or cancel: it names the approval only until the first cancel,
    // and an aborted payment has one too.
    pgTransactionId: state === 'PAID' ? (payment.lastTransactionKey ?? null) : null,
    amount: payment.totalAmount,
    balanceAmount: payment.balanceAmount,
    currency: payment.currency,
    methodDetail: methodDetailOf(payment),
    approvedAt: payment.approvedAt ?? null,
    failure: state === 'FAILED' ? failureOf(payment) : null,
    cancels: cancelsOf(payment),
  };
}

/** The cancel that an answer to a cancel is about: the latest transaction, when it is a cancel. */
export function latestCancelOf(payment: TossPayment): PgCancel | null {
  const key = payment.lastTransactionKey;
  return cancelsOf(payment).find((cancel) => cancel.pgTransactionId === key) ?? null;
}

function cancelsOf(payment: TossPayment): PgCancel[] {
  return (payment.cancels ?? [])
    .filter((cancel) => (cancel.cancelStatus ?? 'DONE') === 'DONE')
    .map((cancel) => ({
      pgTransactionId: cancel.transactionKey,
      amount: cancel.cancelAmount,
      at: cancel.canceledAt,
    }));
}

/**
 * Why a payment that surely failed did so. There a code that would leave an error answer open
 * (PROVIDER_ERROR, FAILED_*) is a fault before execution, and an unlisted one a plain refusal.
 */
function failureOf(payment: TossPayment): PgError | null {
  if (payment.failure) {
    const { code, message } = payment.failure;
    const unified = unifiedOf(code) ?? 'CARD_DECLINED';
    return {
      code: TAXONOMY[unified].certain ? unified : 'PROVIDER_UNAVAILABLE',
      pgCode: code,
      message: message ?? code,
    };
  }
  if (payment.status !== 'EXPIRED') return null;
  return { code: 'AUTHENTICATION_FAILED', pgCode: null, message: 'the approval window passed' };
}

/** Toss's literals; English ones come when the account asks for English. */
const METHODS: Readonly<Record<string, string>> = {
  카드: 'CARD',
  CARD: 'CARD',
  가상계좌: 'VIRTUAL_ACCOUNT',
  간편결제: 'EASY_PAY',
  휴대폰: 'MOBILE_PHONE',
  계좌이체: 'TRANSFER',
  문화상품권: 'CULTURE_GIFT_CERTIFICATE',
  도서문화상품권: 'BOOK_GIFT_CERTIFICATE',
  게임문화상품권: 'GAME_GIFT_CERTIFICATE',
};

const CARD_TYPES: Readonly<Record<string, string>> = {
  신용: 'CREDIT',
  체크: 'DEBIT',
  기프트: 'GIFT',
  미확인: 'UNKNOWN',
};

const OWNER_TYPES: Readonly<Record<string, string>> = {
  개인: 'PERSONAL',
  법인: 'CORPORATE',
  미확인: 'UNKNOWN',
};

export function methodDetailOf(payment: TossPayment): MethodDetail {
  const { card, easyPay, virtualAccount, transfer } = payment;
  return {
    type: named(METHODS, payment.method) ?? 'UNKNOWN',
    issuer:
      card?.issuerCode ??
      easyPay?.provider ??
      virtualAccount?.bankCode ??
      transfer?.bankCode ??
      null,
    acquirer: card?.acquirerCode ?? null,
    cardType: named(CARD_TYPES, card?.cardType),
    ownerType: named(OWNER_TYPES, card?.ownerType),
    installmentMonths: card?.installmentPlanMonths ?? null,
    interestFree: card?.isInterestFree ?? null,
    approveNo: card?.approveNo ?? null,
    maskedNumber: masked(card?.number ?? virtualAccount?.accountNumber),
  };
}

/** Our word for one of theirs; theirs when we have none. */
function named(words: Readonly<Record<string, string>>, word: string | null | undefined) {
  if (word == null || word === '') return null;
  return Object.hasOwn(words, word) ? (words[word] ?? word) : word;
}

const DIGITS_SHOWN_MAX = 12;
const LAST_DIGITS = 4;

/**
 * Toss masks card numbers. Account numbers, and a number that shows more digits than a masked card
 * may, are masked here, because `methodDetail` travels on public topics.
 */
function masked(number: string | null | undefined): string | null {
  if (number == null || number === '') return null;
  const digits = number.replace(/\D/g, '');
  if (number.includes('*') && digits.length <= DIGITS_SHOWN_MAX) return number;
  return `****${digits.slice(-LAST_DIGITS)}`;
}
