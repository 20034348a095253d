import type { Failure, FailureCode } from '@mini-pg/domain';
import type { PgCancel, PgError, PgPayment } from '@mini-pg/pg-adapters';

/** Why a person has to look at an attempt. */
export const EXCEPTION_KINDS = [
  /** The inquiries are over and nobody knows whether it was captured. */
  'OUTCOME_UNKNOWN',
  /** The PG shows a payment that is not the one asked for. */
  'MISMATCH',
  /** The PG's transaction belongs to another attempt already. */
  'DUPLICATE_TRANSACTION',
  /** Captured, though no call of this attempt can have done it. */
  'UNPROVEN_CAPTURE',
  /** Captured after the attempt was closed or its payment had an outcome. */
  'LATE_CAPTURE',
  /** Given back at the PG, in part or whole, by somebody else. */
  'CANCELLED_AT_PG',
  /** The deposit that was to be cancelled has been paid. */
  'DEPOSIT_PAID',
  /** The PG does not cancel the deposit. */
  'DEPOSIT_NOT_CANCELLED',
  /** Two results of one attempt contradict each other. */
  'CONFLICTING_RESULT',
] as const;

export type ExceptionKind = (typeof EXCEPTION_KINDS)[number];

/** What an answer means for an attempt. */
export type Decision =
  /** Captured, and everything matches. */
  | { readonly kind: 'APPROVE'; readonly payment: ProvenPayment }
  /** The PG's clear word that it will not be captured. */
  | { readonly kind: 'DECLINE'; readonly failure: Failure }
  /** Not executed, and not tried again. */
  | { readonly kind: 'GIVE_UP'; readonly failure: Failure }
  /** Not executed: closes, and a new attempt with a new key follows. */
  | { readonly kind: 'RETRY'; readonly failure: Failure }
  /** Nobody knows; an inquiry follows. With `notExecuted` the call surely had no effect. */
  | { readonly kind: 'WAIT'; readonly reason: string; readonly notExecuted: Failure | null }
  /** The same bytes again, with the same key. */
  | { readonly kind: 'RESEND'; readonly reason: string }
  /** A deposit account was issued: to be cancelled, then the payment fails. */
  | { readonly kind: 'REFUSE_DEPOSIT'; readonly payment: PgPayment }
  /** The deposit is gone; the payment may fail. */
  | { readonly kind: 'DEPOSIT_CANCELLED'; readonly cancel: PgCancel | null }
  /** Given back, and everything matches. */
  | { readonly kind: 'CANCELLED'; readonly cancel: PgCancel }
  /** Not given back, and never will be by this cancel; a contradiction goes to a person too. */
  | {
      readonly kind: 'CANCEL_REFUSED';
      readonly failure: Failure;
      readonly contradiction: { readonly exception: ExceptionKind; readonly reason: string } | null;
    }
  /** Nobody knows whether the approval was executed: a net-cancel undoes it if it was. */
  | { readonly kind: 'NET_CANCEL'; readonly reason: string }
  /** An approval was executed and stands no more; `shown` where the PG shows what that was. */
  | {
      readonly kind: 'UNDONE';
      readonly shown: { readonly capture: ProvenPayment; readonly cancel: PgCancel } | null;
    }
  /** An approval that was to be undone was not executed, and will not be. */
  | { readonly kind: 'NOTHING_TO_UNDO'; readonly failure: Failure }
  /** The net-cancels are over and the capture stands: an ordinary cancel gives it back. */
  | { readonly kind: 'REVERSE'; readonly capture: ProvenPayment }
  /** A person has to look; the attempt stays as it is. */
  | { readonly kind: 'ESCALATE'; readonly exception: ExceptionKind; readonly reason: string }
  /** Nothing new was learnt. */
  | { readonly kind: 'NOTHING' };

/** A capture with all that an approval has to show. */
export interface ProvenPayment extends PgPayment {
  readonly pgTransactionId: string;
  readonly approvedAt: string;
}

/** The payment as we asked for it. */
export interface Expected {
  /** Null for stored methods, whose payment id comes with the approval. */
  readonly pgPaymentId: string | null;
  readonly pgOrderId: string;
  readonly amount: bigint;
  readonly currency: string;
}

/** A new payment with the same method may succeed. */
const RETRYABLE: ReadonlySet<FailureCode> = new Set([
  'AUTHENTICATION_FAILED',
  'PROVIDER_UNAVAILABLE',
  'EXPIRED',
]);

const MESSAGE_LENGTH_MAX = 500;

export function failureOf(
  code: FailureCode,
  message: string,
  pgCode: string | null = null,
): Failure {
  const text = message.slice(0, MESSAGE_LENGTH_MAX);
  return { code, message: text, retryable: RETRYABLE.has(code), pgCode };
}

export function failureOfPg(error: PgError): Failure {
  return failureOf(error.code, error.message, error.pgCode);
}

export function wait(reason: string, notExecuted: Failure | null = null): Decision {
  return { kind: 'WAIT', reason, notExecuted };
}

export function escalate(exception: ExceptionKind, reason: string): Decision {
  return { kind: 'ESCALATE', exception, reason };
}
