import type {
  AttemptOperation,
  AttemptState,
  Currency,
  Failure,
  MethodDetail,
  Pg,
  Sealed,
} from '@mini-pg/domain';

/** A call to a PG as it is stored. Spans are milliseconds of SQL time, at the moment of reading. */
export interface Attempt {
  readonly id: string;
  readonly paymentId: string;
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly operation: AttemptOperation;
  readonly number: number;
  readonly state: AttemptState;
  readonly pg: Pg;
  readonly pgAccountId: string | null;
  /** SHA-256 of the adapter's canonical id of what the shopper authenticated. */
  readonly sourceKey: string | null;
  readonly orderId: string;
  readonly pgOrderId: string;
  readonly idempotencyKey: string;
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
  readonly currency: Currency;
  readonly cancelReason: string | null;
  /** The cancel that it is a try of; null for approvals, and for cancels that refuse a deposit. */
  readonly cancelId: string | null;
  /** The attempt whose capture it gives back, which nobody was told of. */
  readonly reversesId: string | null;
  readonly cancelAmount: bigint | null;
  readonly cancelTaxFreeAmount: bigint | null;
  /** What could be cancelled before it. */
  readonly cancelRemainingBefore: bigint | null;
  readonly leaseOwner: string | null;
  /** A call of this attempt may have reached the PG. */
  readonly reached: boolean;
  /** A byte of an answer came to a call of this attempt. */
  readonly answered: boolean;
  /** UNKNOWN only until an inquiry does not show it done: its call surely was not executed. */
  readonly notExecuted: boolean;
  readonly inquiryCount: number;
  readonly resendCount: number;
  readonly followUpCount: number;
  readonly pgPaymentId: string | null;
  readonly pgTransactionId: string | null;
  readonly pgStatus: string | null;
  readonly pgCode: string | null;
  readonly pgTraceId: string | null;
  readonly httpStatus: number | null;
  readonly methodDetail: MethodDetail | null;
  readonly failure: Failure | null;
  readonly approvedAt: Date | null;
  readonly traceparent: string | null;
  /** Negative once the lease is over; null when it was never held. */
  readonly leaseLeftMs: number | null;
  /** Positive once the last call must have ended; null when there was none. */
  readonly sinceDeadlineMs: number | null;
  /** Since the idempotency key was first used; null when it never was. */
  readonly sinceCalledMs: number | null;
  /** Negative once no first call may be made; null where nothing expires. */
  readonly untilExpiryMs: number | null;
}

/** An attempt with what is needed to call the PG. */
export interface CallableAttempt extends Attempt {
  readonly source: Sealed;
}

const milliseconds = (interval: string): string =>
  `(extract(epoch from ${interval}) * 1000)::float8`;

/** The select list of an {@link Attempt}; `t` is the table's name in the statement. */
export function attemptColumns(t: string): string {
  return `
    ${t}.id, ${t}.payment_id as "paymentId", ${t}.merchant_id as "merchantId", ${t}.livemode,
    ${t}.operation, ${t}.number, ${t}.state, ${t}.pg, ${t}.pg_account_id as "pgAccountId",
    ${t}.source_key as "sourceKey", ${t}.order_id as "orderId", ${t}.pg_order_id as "pgOrderId",
    ${t}.idempotency_key as "idempotencyKey", ${t}.amount,
    ${t}.tax_free_amount as "taxFreeAmount", ${t}.currency, ${t}.cancel_reason as "cancelReason",
    ${t}.cancel_id as "cancelId", ${t}.reverses_id as "reversesId", ${t}.cancel_amount as "cancelAmount",
    ${t}.cancel_tax_free_amount as "cancelTaxFreeAmount",
    ${t}.cancel_remaining_before as "cancelRemainingBefore",
    ${t}.lease_owner as "leaseOwner", ${t}.reached, ${t}.answered,
    ${t}.not_executed as "notExecuted", ${t}.inquiry_count as "inquiryCount",
    ${t}.resend_count as "resendCount", ${t}.follow_up_count as "followUpCount",
    ${t}.pg_payment_id as "pgPaymentId", ${t}.pg_transaction_id as "pgTransactionId",
    ${t}.pg_status as "pgStatus", ${t}.pg_code as "pgCode", ${t}.pg_trace_id as "pgTraceId",
    ${t}.http_status as "httpStatus", ${t}.method_detail as "methodDetail", ${t}.failure,
    ${t}.approved_at as "approvedAt", ${t}.traceparent,
    ${milliseconds(`${t}.lease_until - clock_timestamp()`)} as "leaseLeftMs",
    ${milliseconds(`clock_timestamp() - ${t}.deadline_at`)} as "sinceDeadlineMs",
    ${milliseconds(`clock_timestamp() - ${t}.called_at`)} as "sinceCalledMs",
    ${milliseconds(`${t}.expires_at - clock_timestamp()`)} as "untilExpiryMs"`;
}

/** The select list of a {@link CallableAttempt}. */
export function callableColumns(t: string): string {
  return `${attemptColumns(t)}, ${t}.source`;
}
