import type { MethodDetail, PaymentSource, Pg, UnifiedCode } from '@mini-pg/domain';
import type { Secret } from '@mini-pg/runtime';

/**
 * One payment gateway (PG) as the processor sees it: it says what a call would be, sends it once,
 * and hands over faithfully what came back. It never repeats a call, never decides whether a
 * payment is ours (order number, amount, currency and payment id are matched by the caller) and
 * never throws for what a PG or a network does: every end of a call is an answer.
 */
export interface Gateway {
  readonly pg: Pg;
  readonly capability: GatewayCapability;
  /** What the shopper authenticated, in this PG's canonical spelling. Pure. */
  sourceOf(source: PaymentSource): SourceIdentity;
  /** Authorizes and captures. The same request and key give the same bytes. */
  approve(request: ApproveRequest, call: GatewayCall): Promise<PgAnswer>;
  /** Asks what the PG knows of a payment; changes nothing, so it may be repeated at will. */
  inquire(request: InquireRequest, call: GatewayCall): Promise<PgAnswer>;
  /** Gives money back, or gives up a deposit that has not come. Same bytes for the same request. */
  cancel(request: CancelRequest, call: GatewayCall): Promise<CancelAnswer>;
  /**
   * Undoes an approval whose answer was lost, named by what that approval was asked with: no payment
   * id need have come back (망취소). Absent exactly where `capability.netCancel` is null. It gives
   * back the whole or nothing, so a repeat never gives back twice. Same bytes for the same request.
   */
  netCancel?(request: ApproveRequest, call: GatewayCall): Promise<NetCancelAnswer>;
  /** Judges a webhook by its raw bytes. Pure: `receivedAt` is the only clock it knows. */
  verifyWebhook(request: WebhookRequest, secret: Secret | null): WebhookVerdict;
  /** Closes idle connections and waits for the calls that are on their way. */
  close(): Promise<void>;
}

/** Facts about a PG that decide how a lost answer is treated. Data, not code. */
export interface GatewayCapability {
  /** The same bytes with the same key execute once, so they may be sent again after NO_ANSWER. */
  readonly approveIdempotent: boolean;
  readonly cancelIdempotent: boolean;
  /** How long the PG remembers a key, from its first use; 0 where it has no keys. */
  readonly idempotencyKeyLifetimeMs: number;
  readonly idempotencyKeyLengthMax: number;
  readonly inquireBy: readonly InquireRequest['by'][];
  /** How long an executed call may stay invisible to inquiries. */
  readonly visibilityDelayMs: number;
  /** The longest time the PG may take to execute what it has received. */
  readonly executionTimeMaxMs: number;
  /** Waits before the first, second, ... inquiry after a lost answer. */
  readonly inquiryScheduleMs: readonly number[];
  /** What is done about a call whose outcome is not known, from the first rung to the last. */
  readonly ladders: Readonly<Record<'APPROVE' | 'CANCEL' | 'NET_CANCEL', readonly Rung[]>>;
  /** Null where the PG has no net-cancel. */
  readonly netCancel: NetCancelCapability | null;
  readonly partialCancel: boolean;
  /** ISO 4217 codes that this adapter can speak of without loss; others end NOT_SENT. */
  readonly currencies: readonly string[];
  readonly webhooks: 'SIGNED' | 'UNSIGNED' | 'NONE';
}

/**
 * A step towards the outcome of a call. A rung is left when nothing more is learnt or done by it.
 * INQUIRE asks, by the schedule; "not found" is believed once the call must have ended and
 * `executionTimeMaxMs` and `visibilityDelayMs` are over too. RESEND sends the same bytes with the
 * same key, only where those execute once. NET_CANCEL undoes an approval; CANCEL gives back a capture
 * that an inquiry has shown and nobody was told of. EXCEPTION waits for a person.
 */
export type Rung = 'INQUIRE' | 'RESEND' | 'NET_CANCEL' | 'CANCEL' | 'EXCEPTION';

export interface NetCancelCapability {
  /** How long after the approval was called the PG takes a net-cancel of it. */
  readonly windowMs: number;
  /** A repeat is UNDONE again; where false it is REFUSED with ALREADY_PROCESSED. */
  readonly idempotent: boolean;
}

export interface SourceIdentity {
  /** Unique at a PG account for what was authenticated; null for stored methods, which repeat. */
  readonly sourceKey: string | null;
  /** The PG's payment id, where it is known before the approval; else null. */
  readonly pgPaymentId: string | null;
}

/** What every call carries besides its own request. */
export interface GatewayCall {
  readonly account: {
    readonly pgAccountId: string;
    /** Origin of the PG, with an optional path prefix: `https://api.tosspayments.com`. */
    readonly baseUrl: string;
    readonly secret: Secret;
  };
  /** Derives from the attempt. Sent on approve and cancel only; null sends none. */
  readonly idempotencyKey: string | null;
  readonly timeouts: {
    /** Longest wait for a connection, a queue for one included. Ends NOT_SENT. */
    readonly connectMs: number;
    /** From the first byte written to the last byte read. */
    readonly readMs: number;
  };
  /** Asked synchronously right before bytes are written; false ends the call NOT_SENT. */
  readonly maySend?: () => boolean;
  /** W3C trace context, sent as a header. It is no part of "the same bytes". */
  readonly traceparent?: string;
}

export interface ApproveRequest {
  readonly source: PaymentSource;
  /** Order number at the PG: what the window was opened with. Not unique per account. */
  readonly pgOrderId: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  /** Minor units, part of `amount`. Not every PG takes it at approval. */
  readonly taxFreeAmount: bigint;
}

export type InquireRequest =
  | { readonly by: 'PAYMENT'; readonly pgPaymentId: string }
  | { readonly by: 'ORDER'; readonly pgOrderId: string };

export interface CancelRequest {
  readonly pgPaymentId: string;
  /** Shown to the shopper by some PGs; cut to the PG's longest length. */
  readonly reason: string;
  /** Minor units; null cancels all that is left. */
  readonly amount: bigint | null;
  /**
   * What may still be cancelled BEFORE this cancel, as we know it; the adapter turns it into its
   * PG's own meaning (Toss `refundableAmount` is this very number). The PG then refuses a cancel
   * that was decided on another balance. Null leaves the check out.
   */
  readonly remainingBefore: bigint | null;
  readonly currency: string;
  /** Minor units, part of `amount`. */
  readonly taxFreeAmount: bigint;
}

/**
 * How a call ended. Only PAYMENT and REFUSED carry the PG's own clear word.
 *
 * - PAYMENT: the PG showed the payment. `state` says which; nothing was compared with ours.
 * - REFUSED: an error answer with a listed code that leaves no doubt about this call. `error.code`
 *   says what it means: a decline, PROVIDER_UNAVAILABLE (not executed), ALREADY_PROCESSED or, on an
 *   inquiry, NOT_FOUND.
 * - NOT_SENT: surely no byte of the request left.
 * - NO_ANSWER: bytes may have left and no byte of an answer came. The same bytes may be sent again
 *   with the same key where the capability says so.
 * - UNKNOWN: an answer, or a part of one, came and says nothing certain.
 */
export type PgAnswer = PaymentAnswer | PgFailure;

export type CancelAnswer =
  | (PaymentAnswer & {
      /** The cancel that this call made (or made when its key was first used); null if not told. */
      readonly cancel: PgCancel | null;
    })
  | PgFailure;

/**
 * How a net-cancel ended.
 *
 * - UNDONE: the approval had been executed and stands no more.
 * - REFUSED with NOT_FOUND: there was nothing to undo at that moment. An approval that is still on
 *   its way may be executed afterwards, so it is believed only when "not found" is.
 * - REFUSED with ALREADY_PROCESSED: it was given back before.
 * - REFUSED with NOT_CANCELABLE: too late, or not by this call; the approval stands.
 * - All else as for any call.
 */
export type NetCancelAnswer = NetCancelled | PgFailure;

export interface NetCancelled {
  readonly kind: 'UNDONE';
  /** What stood, and what gave it back; null where the PG confirms without showing it. */
  readonly shown: { readonly payment: PgPayment; readonly cancel: PgCancel } | null;
  readonly evidence: PgEvidence;
}

export interface PaymentAnswer {
  readonly kind: 'PAYMENT';
  readonly state: PgPaymentState;
  readonly payment: PgPayment;
  readonly evidence: PgEvidence;
}

export type PgFailure =
  | { readonly kind: 'REFUSED'; readonly error: PgError; readonly evidence: PgEvidence }
  | {
      readonly kind: 'NOT_SENT';
      readonly reason: NotSentReason;
      readonly error: PgError;
      readonly evidence: PgEvidence;
    }
  | { readonly kind: 'NO_ANSWER'; readonly error: PgError; readonly evidence: PgEvidence }
  | { readonly kind: 'UNKNOWN'; readonly error: PgError; readonly evidence: PgEvidence };

/** UNREACHABLE: no connection; WITHHELD: `maySend` said no; UNSENDABLE: this PG cannot be told that. */
export type NotSentReason = 'UNREACHABLE' | 'WITHHELD' | 'UNSENDABLE';

/**
 * The PG's own status in one vocabulary. IN_PROGRESS: known, not captured and not ended, so a
 * capture may still come. FAILED: ended without a capture. CANCELLED: nothing is left.
 * UNLISTED: a status that we do not know or that contradicts itself: never a success or a failure.
 */
export type PgPaymentState =
  | 'PAID'
  | 'IN_PROGRESS'
  | 'FAILED'
  | 'CANCELLED'
  | 'PARTIALLY_CANCELLED'
  | 'WAITING_FOR_DEPOSIT'
  | 'UNLISTED';

export interface PgPayment {
  readonly pgPaymentId: string;
  readonly pgOrderId: string;
  /** Of the approval; null when there is none or the PG tells only of later ones. */
  readonly pgTransactionId: string | null;
  /** Minor units, as approved: cancels do not lower it. */
  readonly amount: bigint;
  /** Minor units that may still be cancelled. */
  readonly balanceAmount: bigint;
  readonly currency: string;
  readonly methodDetail: MethodDetail;
  /** PG time as RFC 3339 UTC. */
  readonly approvedAt: string | null;
  /** Why it failed; only with FAILED, and null if the PG gives no reason. */
  readonly failure: PgError | null;
  readonly cancels: readonly PgCancel[];
}

export interface PgCancel {
  readonly pgTransactionId: string;
  /** Minor units, positive. */
  readonly amount: bigint;
  /** PG time as RFC 3339 UTC. */
  readonly at: string;
}

export interface PgError {
  readonly code: UnifiedCode;
  /** The PG's own code, raw; null when there was none. */
  readonly pgCode: string | null;
  readonly message: string;
  /** How long the PG asked to be left alone, unbounded as it said it; absent where it did not. */
  readonly retryAfterMs?: number;
}

/** What to keep beside every answer, for support and for the PG's own help desk. */
export interface PgEvidence {
  readonly httpStatus: number | null;
  readonly pgTraceId: string | null;
  readonly latencyMs: number;
  /** The PG's status word before it was mapped. */
  readonly rawStatus: string | null;
}

export interface WebhookRequest {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawBody: Uint8Array;
  readonly receivedAt: Date;
}

/**
 * VERIFIED: the sender proved itself. UNSIGNED: readable but anyone could have sent it, so it may
 * only trigger an inquiry. REJECTED: do not act on it at all.
 */
export type WebhookVerdict =
  | { readonly kind: 'VERIFIED'; readonly event: WebhookEvent }
  | { readonly kind: 'UNSIGNED'; readonly event: WebhookEvent }
  | { readonly kind: 'REJECTED'; readonly reason: string };

/** Enough to find the payment and to drop a repeat; what happened is learnt by an inquiry. */
export interface WebhookEvent {
  readonly deliveryId: string | null;
  readonly type: string;
  readonly pgPaymentId: string | null;
  readonly pgOrderId: string | null;
}
