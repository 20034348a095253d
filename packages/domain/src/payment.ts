/**
 * A payment is its facts, in whatever order they arrive; everything else is derived from them
 * (docs/reference/states.md). All amounts are minor units.
 */

export const PAYMENT_STATUSES = [
  'REQUESTED',
  'APPROVED',
  'FAILED',
  'PARTIALLY_CANCELLED',
  'CANCELLED',
  'SETTLED',
] as const;

export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** Names kept free for flows that do not exist yet. */
export const RESERVED_PAYMENT_STATUSES = [
  'READY',
  'AUTHORIZED',
  'WAITING_FOR_DEPOSIT',
  'EXPIRED',
] as const;

export type PaymentCommand =
  | { readonly type: 'approve'; readonly amount: bigint }
  | { readonly type: 'fail' }
  | { readonly type: 'cancel'; readonly amount: bigint }
  | { readonly type: 'settle' };

export type PaymentFact =
  | { readonly type: 'approved'; readonly amount: bigint }
  | { readonly type: 'failed' }
  | { readonly type: 'cancelled'; readonly approvedAmount: bigint; readonly remainingAfter: bigint }
  | { readonly type: 'settled' };

/** What is known of a payment: the union of its facts, so that their order does not matter. */
export interface PaymentState {
  readonly amount: bigint;
  readonly failed: boolean;
  readonly approvedAmount: bigint | null;
  /** The least `remainingAfter` of its cancels. */
  readonly remaining: bigint | null;
  readonly settled: boolean;
}

/** Which commands a payment in a status takes. */
export const PAYMENT_MOVES = {
  REQUESTED: { approve: true, fail: true, cancel: false, settle: false },
  APPROVED: { approve: false, fail: false, cancel: true, settle: true },
  FAILED: { approve: false, fail: false, cancel: false, settle: false },
  PARTIALLY_CANCELLED: { approve: false, fail: false, cancel: true, settle: true },
  CANCELLED: { approve: false, fail: false, cancel: false, settle: true },
  SETTLED: { approve: false, fail: false, cancel: true, settle: false },
} as const satisfies Record<PaymentStatus, Record<PaymentCommand['type'], boolean>>;

export type PaymentRefusal =
  | 'NOT_ALLOWED'
  | 'ALREADY_SETTLED'
  | 'AMOUNT_MISMATCH'
  | 'AMOUNT_EXCEEDS_BALANCE';

export type PaymentDecision =
  | { readonly ok: true; readonly fact: PaymentFact }
  | { readonly ok: false; readonly refusal: PaymentRefusal };

export function requestedPayment(amount: bigint): PaymentState {
  return { amount, failed: false, approvedAmount: null, remaining: null, settled: false };
}

export function statusOf(state: PaymentState): PaymentStatus {
  if (state.failed) return 'FAILED';
  if (state.approvedAmount === null) return 'REQUESTED';
  if (state.remaining === 0n) return 'CANCELLED';
  if (state.remaining !== null) return 'PARTIALLY_CANCELLED';
  return state.settled ? 'SETTLED' : 'APPROVED';
}

/** What is left of the approved amount: the least remainder seen; 0 until approved. */
export function balanceOf(state: PaymentState): bigint {
  if (state.failed || state.approvedAmount === null) return 0n;
  return state.remaining ?? state.approvedAmount;
}

/** Whether the payment has its outcome and keeps its order from being paid again. */
export function isLive(state: PaymentState): boolean {
  const status = statusOf(state);
  return status !== 'FAILED' && status !== 'CANCELLED';
}

export function decide(state: PaymentState, command: PaymentCommand): PaymentDecision {
  if (!PAYMENT_MOVES[statusOf(state)][command.type]) return refuse('NOT_ALLOWED');
  switch (command.type) {
    case 'approve':
      if (command.amount !== state.amount) return refuse('AMOUNT_MISMATCH');
      return { ok: true, fact: { type: 'approved', amount: command.amount } };
    case 'fail':
      return { ok: true, fact: { type: 'failed' } };
    case 'cancel':
      return decideCancel(state, command.amount);
    case 'settle':
      if (state.settled) return refuse('ALREADY_SETTLED');
      return { ok: true, fact: { type: 'settled' } };
    default:
      return command satisfies never;
  }
}

/** Adds a fact. Facts may come in any order and more than once: the result is the same. */
export function evolve(state: PaymentState, fact: PaymentFact): PaymentState {
  switch (fact.type) {
    case 'approved':
      return { ...state, approvedAmount: fact.amount };
    case 'failed':
      return { ...state, failed: true };
    case 'cancelled':
      return {
        ...state,
        approvedAmount: fact.approvedAmount,
        remaining: least(state.remaining, fact.remainingAfter),
      };
    case 'settled':
      return { ...state, settled: true };
    default:
      return fact satisfies never;
  }
}

function decideCancel(state: PaymentState, amount: bigint): PaymentDecision {
  const balance = balanceOf(state);
  if (amount <= 0n || amount > balance) return refuse('AMOUNT_EXCEEDS_BALANCE');
  return {
    ok: true,
    fact: {
      type: 'cancelled',
      approvedAmount: state.approvedAmount ?? state.amount,
      remainingAfter: balance - amount,
    },
  };
}

function refuse(refusal: PaymentRefusal): PaymentDecision {
  return { ok: false, refusal };
}

function least(a: bigint | null, b: bigint): bigint {
  return a === null || b < a ? b : a;
}
