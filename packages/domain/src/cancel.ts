import { type PaymentState, statusOf } from './payment.ts';

/**
 * What cancels may take of a payment: its balance less the cancels that are under way
 * (docs/how-to/cancel-a-payment.md). All amounts are minor units.
 */

export const CANCEL_STATUSES = ['REQUESTED', 'DONE', 'FAILED'] as const;

export type CancelStatus = (typeof CANCEL_STATUSES)[number];

/** Who asked for a cancel. PG: it was made there, and nobody here asked. */
export const CANCEL_ORIGINS = ['MERCHANT', 'OPERATOR', 'PG', 'SYSTEM'] as const;

export type CancelOrigin = (typeof CANCEL_ORIGINS)[number];

export interface CancelState {
  readonly status: CancelStatus;
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
}

/** A payment with all of its cancels, in any order. */
export interface CancellablePayment {
  readonly state: PaymentState;
  readonly taxFreeAmount: bigint;
  readonly cancels: readonly CancelState[];
}

/** An amount and the part of it that is free of tax. */
export interface TaxedAmount {
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
}

/** Null for what the request leaves out. */
export interface CancelRequest {
  readonly amount: bigint | null;
  readonly taxFreeAmount: bigint | null;
  readonly expectedBalance: bigint | null;
}

export type CancelRefusal =
  /** It failed, nothing is left of it, or all that is left is being cancelled. */
  | { readonly reason: 'PAYMENT_NOT_CANCELABLE' }
  /** Without an outcome it is cancelled as a whole or not at all. */
  | { readonly reason: 'PAYMENT_NOT_APPROVED' }
  | { readonly reason: 'BALANCE_CHANGED'; readonly cancelable: bigint }
  | { readonly reason: 'AMOUNT_EXCEEDS_BALANCE'; readonly cancelable: bigint }
  /** Both parts must stay within what is left of each: these bounds are inclusive. */
  | {
      readonly reason: 'TAX_FREE_OUT_OF_BOUNDS';
      readonly least: bigint;
      readonly most: bigint;
      readonly cancelable: bigint;
    };

export type CancelDecision =
  | { readonly ok: true; readonly cancel: TaxedAmount }
  | { readonly ok: false; readonly refusal: CancelRefusal };

/**
 * What the cancels of a payment hold of it, done or under way. The sum of those that did not fail,
 * or more where the PG's remainder tells of cancels that are not known here: never less than what
 * was taken, never more than what was paid.
 */
export function reserveOf(payment: CancellablePayment): TaxedAmount {
  const { state, cancels } = payment;
  const done = cancels.filter((cancel) => cancel.status === 'DONE');
  const open = cancels.filter((cancel) => cancel.status === 'REQUESTED');
  const goneAtPg = state.amount - (state.remaining ?? state.amount);
  const taken = most(goneAtPg, sumOf(done, 'amount'));
  const amount = least(state.amount, taken + sumOf(open, 'amount'));
  const taxFree = sumOf([...done, ...open], 'taxFreeAmount');
  // What is left cannot be free of tax for more than it is.
  const taxFreeLeast = payment.taxFreeAmount - (state.amount - amount);
  return {
    amount,
    taxFreeAmount: least(payment.taxFreeAmount, most(taxFree, taxFreeLeast)),
  };
}

/** What a new cancel may take at most. Until there is an outcome that is the whole or nothing. */
export function cancelableOf(payment: CancellablePayment): TaxedAmount {
  const reserve = reserveOf(payment);
  return {
    amount: payment.state.amount - reserve.amount,
    taxFreeAmount: payment.taxFreeAmount - reserve.taxFreeAmount,
  };
}

/**
 * Whether a cancel is taken, and of how much. Several reasons against it are told in this order:
 * the state of the payment, the balance that the caller expects, the amount, its tax-free part.
 */
export function decideCancelRequest(
  payment: CancellablePayment,
  request: CancelRequest,
): CancelDecision {
  const status = statusOf(payment.state);
  const left = cancelableOf(payment);
  const amount = request.amount ?? left.amount;
  if (status === 'FAILED' || status === 'CANCELLED' || left.amount === 0n) {
    return refuse({ reason: 'PAYMENT_NOT_CANCELABLE' });
  }
  if (status === 'REQUESTED' && amount < left.amount) {
    return refuse({ reason: 'PAYMENT_NOT_APPROVED' });
  }
  const cancelable = left.amount;
  if (request.expectedBalance !== null && request.expectedBalance !== cancelable) {
    return refuse({ reason: 'BALANCE_CHANGED', cancelable });
  }
  if (amount > cancelable) return refuse({ reason: 'AMOUNT_EXCEEDS_BALANCE', cancelable });
  if (amount <= 0n) throw new RangeError(`a cancel of ${amount} minor units`);
  return decideTaxFree(left, amount, request.taxFreeAmount);
}

/** What is left afterwards must not be free of tax for more than it is. */
function decideTaxFree(left: TaxedAmount, amount: bigint, asked: bigint | null): CancelDecision {
  const lower = most(0n, left.taxFreeAmount - (left.amount - amount));
  const upper = least(amount, left.taxFreeAmount);
  const taxFreeAmount = asked ?? (amount === left.amount ? left.taxFreeAmount : 0n);
  if (taxFreeAmount < lower || taxFreeAmount > upper) {
    return refuse({
      reason: 'TAX_FREE_OUT_OF_BOUNDS',
      least: lower,
      most: upper,
      cancelable: left.amount,
    });
  }
  return { ok: true, cancel: { amount, taxFreeAmount } };
}

function refuse(refusal: CancelRefusal): CancelDecision {
  return { ok: false, refusal };
}

function sumOf(cancels: readonly CancelState[], part: 'amount' | 'taxFreeAmount'): bigint {
  return cancels.reduce((sum, cancel) => sum + cancel[part], 0n);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
