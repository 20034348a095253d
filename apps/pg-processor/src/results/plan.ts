import {
  type AttemptOperation,
  type AttemptState,
  type Failure,
  type MethodDetail,
  mayMove,
} from '@mini-pg/domain';
import type { OutboxRow } from '@mini-pg/messaging';
import type { Attempt } from '../attempts/attempt.ts';
import type { CancelTry } from '../attempts/cancel-try.ts';
import type { Cancel } from '../cancels/cancel.ts';
import type { ExceptionKind } from '../decisions/decision.ts';
import { type EventContext, type ProgressStep, progressedEvent } from './events.ts';
import type { Verdict } from './verdict.ts';

/** An attempt as it is read, under lock, to record a verdict about it. */
export interface LockedAttempt extends Attempt {
  /** For a READY one: another payment holds the claim on its source. */
  readonly sourceTaken: boolean;
}

/** All that is known of a payment while its row is locked. */
export interface LockedPayment {
  readonly paymentId: string;
  /** How many events of it were committed. */
  readonly count: number;
  readonly hasOutcome: boolean;
  readonly attempts: readonly LockedAttempt[];
  /** In the order in which they run; read only where a cancel is what it is about. */
  readonly cancels: readonly Cancel[];
  readonly openExceptions: readonly { readonly attemptId: string; readonly kind: string }[];
}

/** The columns of an attempt that a result may change; spans count from the commit. */
export interface AttemptPatch {
  readonly id: string;
  readonly state: AttemptState;
  readonly reached: boolean;
  readonly answered: boolean;
  readonly notExecuted: boolean;
  readonly nextInquiryMs: number | null;
  readonly nextFollowUpMs: number | null;
  readonly pgPaymentId: string | null;
  readonly pgTransactionId: string | null;
  readonly pgStatus: string | null;
  readonly pgCode: string | null;
  readonly pgTraceId: string | null;
  readonly httpStatus: number | null;
  readonly methodDetail: MethodDetail | null;
  readonly failure: Failure | null;
  readonly approvedAt: string | null;
}

/** A further attempt of the same payment: a copy of `of`, with a key of its own. */
export interface FurtherAttempt {
  readonly id: string;
  readonly of: string;
  readonly operation: AttemptOperation;
  readonly number: number;
  readonly cancelReason: string | null;
  readonly pgPaymentId: string | null;
  /** What it asks for; null for approvals, and for cancels that refuse a deposit. */
  readonly cancel: CancelTry | null;
  /** What the PG captured, where that is not what `of` asked for. */
  readonly captured?: bigint;
}

/** A cancel's move. `event` tells it; null for a start, and for one that its payment's failure tells. */
export interface CancelPatch {
  readonly id: string;
  readonly state: 'STARTED' | 'DONE' | 'FAILED';
  readonly amount: bigint | null;
  readonly remainingBefore: bigint | null;
  readonly remainingAfter: bigint | null;
  readonly sequence: number | null;
  readonly event: OutboxRow | null;
}

export interface OutcomeRow {
  readonly attempt: Attempt;
  readonly kind: 'APPROVED' | 'FAILED';
  readonly sequence: number;
  readonly event: OutboxRow;
}

export interface ExceptionRow {
  readonly id: string;
  readonly attempt: Attempt;
  readonly kind: ExceptionKind;
  readonly reason: string;
}

export interface PlanContext {
  readonly now: Date;
  readonly newId: () => string;
  /** When an attempt that ends without a definite answer is looked at first. */
  readonly firstFollowUpMs: (attempt: Attempt) => number;
  /** Whether the PG's ladder begins with a net-cancel; absent where no PG has one. */
  readonly netCancelsFirst?: ((attempt: Attempt) => boolean) | undefined;
}

/** What is written for one verdict, gathered step by step. */
export class Plan {
  readonly patches: AttemptPatch[] = [];
  readonly further: FurtherAttempt[] = [];
  readonly events: OutboxRow[] = [];
  readonly exceptions: ExceptionRow[] = [];
  readonly cancels: CancelPatch[] = [];
  /** Attempts whose source is free again. */
  readonly released: Attempt[] = [];
  /** Closed attempts whose source belongs to them once more. */
  readonly reclaimed: Attempt[] = [];
  /** Reversals by the state that they have come to, for the metric. */
  readonly reversals: ('STARTED' | 'DONE' | 'FAILED')[] = [];
  /** Attempts whose state stays, but to which an answer came after all. */
  readonly answered: string[] = [];
  readonly resolved: { readonly attemptId: string; readonly kind: ExceptionKind }[] = [];
  outcome: OutcomeRow | null = null;
  readonly payment: LockedPayment;
  readonly #context: PlanContext;

  constructor(payment: LockedPayment, context: PlanContext) {
    this.payment = payment;
    this.#context = context;
  }

  newId(): string {
    return this.#context.newId();
  }

  netCancelsFirst(attempt: Attempt): boolean {
    return this.#context.netCancelsFirst?.(attempt) ?? false;
  }

  firstFollowUpMs(attempt: Attempt): number {
    return this.#context.firstFollowUpMs(attempt);
  }

  /**
   * Moves an attempt, or keeps it where it is, with what the verdict adds to its evidence.
   *
   * @throws Error on a move that the domain does not allow: that is a fault of this program.
   */
  patch(attempt: Attempt, verdict: Verdict | null, changes: Partial<AttemptPatch>): void {
    const state = changes.state ?? attempt.state;
    if (state !== attempt.state && !mayMove(attempt.state, state)) {
      throw new Error(`attempt ${attempt.id} may not move from ${attempt.state} to ${state}`);
    }
    const evidence = verdict?.evidence ?? null;
    this.patches.push({
      id: attempt.id,
      reached: attempt.reached || (verdict?.reached ?? false),
      answered: attempt.answered || (verdict?.answered ?? false),
      notExecuted: false,
      nextInquiryMs: null,
      nextFollowUpMs: null,
      pgPaymentId: attempt.pgPaymentId,
      pgTransactionId: attempt.pgTransactionId,
      pgStatus: evidence === null ? attempt.pgStatus : evidence.pgStatus,
      pgCode: evidence === null ? attempt.pgCode : evidence.pgCode,
      pgTraceId: evidence === null ? attempt.pgTraceId : evidence.pgTraceId,
      httpStatus: evidence === null ? attempt.httpStatus : evidence.httpStatus,
      methodDetail: attempt.methodDetail,
      failure: attempt.failure,
      approvedAt: attempt.approvedAt?.toISOString() ?? null,
      ...changes,
      state,
    });
  }

  progress(attempt: Attempt, step: ProgressStep, detail: string): void {
    this.events.push(progressedEvent(attempt, step, detail, this.#next()));
  }

  /** Adds an event. */
  tell(build: (context: EventContext) => OutboxRow): void {
    this.events.push(build(this.#next()));
  }

  /** Gives the payment its one outcome. */
  conclude(
    attempt: Attempt,
    kind: OutcomeRow['kind'],
    build: (context: EventContext) => OutboxRow,
  ): void {
    const context = this.#next();
    const event = build(context);
    this.events.push(event);
    this.outcome = { attempt, kind, sequence: context.sequence, event };
  }

  /** Moves a cancel; `build` makes the event that tells its end. */
  moveCancel(
    cancel: Cancel,
    changes: Pick<CancelPatch, 'state'> & Partial<CancelPatch>,
    build: ((context: EventContext) => OutboxRow) | null,
  ): void {
    const { id, amount, remainingBefore } = cancel;
    const context = build === null ? null : this.#next();
    const event = build === null || context === null ? null : build(context);
    if (event !== null) this.events.push(event);
    this.cancels.push({
      id,
      amount,
      remainingBefore,
      remainingAfter: null,
      ...changes,
      sequence: context?.sequence ?? null,
      event,
    });
  }

  /** Opens an exception unless the same one is open. */
  open(attempt: Attempt, kind: ExceptionKind, reason: string): void {
    const isOpen = this.payment.openExceptions.some(
      (open) => open.attemptId === attempt.id && open.kind === kind,
    );
    if (isOpen) return;
    this.exceptions.push({ id: this.newId(), attempt, kind, reason });
    this.progress(attempt, 'EXCEPTION_OPENED', `${kind}: ${reason}`);
  }

  /** Of what this plan resolves, what is open. */
  resolvedOpen(): readonly { readonly attemptId: string; readonly kind: ExceptionKind }[] {
    return this.resolved.filter(({ attemptId, kind }) =>
      this.payment.openExceptions.some(
        (open) => open.attemptId === attemptId && open.kind === kind,
      ),
    );
  }

  #next(): EventContext {
    const sequence = this.payment.count + this.events.length + 1;
    return { id: this.newId(), now: this.#context.now, sequence };
  }
}
