import type { Delays } from '../delays.ts';
import type { Journal } from '../journal.ts';
import type { Ending } from '../scenario.ts';
import type { SimClock } from '../sim-clock.ts';
import { isTossErrorCode, PASSING_CODES, type TossErrorCode, TossRefusal } from './toss-errors.ts';
import type { StoredAnswer, TossIdempotency } from './toss-idempotency.ts';
import { balanceOf, isExpired, type TossPayment } from './toss-payment.ts';
import { answerOf, refusalAnswer, type TossPayments } from './toss-payments.ts';

export interface ConfirmRequest {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly amount: number;
}

export interface CancelRequest {
  readonly cancelReason: string;
  readonly cancelAmount?: number | undefined;
  readonly refundableAmount?: number | undefined;
  readonly taxFreeAmount?: number | undefined;
}

/** What happens on the connection: the answer goes out whole, in part, late or never. */
export type Delivery =
  | { readonly kind: 'SEND' | 'PARTIAL'; readonly answer: StoredAnswer }
  | { readonly kind: 'CUT' }
  /** `onGone` is called when the client has given up. */
  | { readonly kind: 'HANG'; readonly onGone: () => void };

export interface TossServiceDeps {
  readonly clock: SimClock;
  readonly delays: Delays;
  readonly journal: Journal;
  readonly payments: TossPayments;
  readonly idempotency: TossIdempotency;
  /** How long every call takes that names no time of its own. */
  readonly latencyMs: () => number;
}

/** Toss's calls, with the faults that a payment's scenario asks for. Refusals are thrown. */
export class TossService {
  readonly #deps: TossServiceDeps;

  constructor(deps: TossServiceDeps) {
    this.#deps = deps;
  }

  /** Runs a call once for its key and gives the first answer again to every repeat. */
  async once(scope: string | null, run: () => Promise<Delivery>): Promise<Delivery> {
    if (scope === null) return run();
    const { idempotency, clock } = this.#deps;
    const claim = idempotency.claim(scope, clock.nowMs());
    if (claim.kind === 'RUNNING') throw new TossRefusal('IDEMPOTENT_REQUEST_PROCESSING');
    if (claim.kind === 'REPLAY') return { kind: 'SEND', answer: claim.answer };
    try {
      return await run();
    } catch (error) {
      if (error instanceof TossRefusal) {
        idempotency.store(scope, refusalAnswer(error.code), clock.nowMs());
      } else {
        idempotency.release(scope);
      }
      throw error;
    }
  }

  async confirm(request: ConfirmRequest, scope: string | null): Promise<Delivery> {
    const payment = this.#confirmable(request);
    const { scenario } = payment;
    if (scenario.resetBefore && !payment.wasReset) {
      payment.wasReset = true;
      this.#release(scope);
      return { kind: 'CUT' };
    }
    payment.isBusy = true;
    if (scenario.declineCode !== null && (scenario.outcome === 'DECLINE' || !payment.wasDeclined)) {
      return this.#decline(payment, scenario.declineCode, scope);
    }
    if (scenario.outcome === 'HANG') return this.#hang(payment, scope);
    if (scenario.lateMs !== null) {
      this.#deps.delays.after(scenario.lateMs, () => this.#execute(payment, scope));
      return { kind: 'CUT' };
    }
    await this.#wait(scenario.slowMs);
    return this.#execute(payment, scope);
  }

  async cancel(
    paymentKey: string,
    request: CancelRequest,
    scope: string | null,
  ): Promise<Delivery> {
    const payment = this.#visible(paymentKey);
    if (payment.isBusy) {
      const isConfirm = payment.status === 'OPEN';
      throw new TossRefusal(isConfirm ? 'ALREADY_PROCESSING_REQUEST' : 'ALREADY_REFUNDING_PAYMENT');
    }
    const amount = cancelableAmount(payment, request);
    const { cancel: scenario } = payment.scenario;
    if (scenario.resetBefore && !payment.wasCancelReset) {
      payment.wasCancelReset = true;
      this.#release(scope);
      return { kind: 'CUT' };
    }
    const isRefused = scenario.outcome === 'DECLINE' || !payment.wasCancelDeclined;
    if (scenario.declineCode !== null && isRefused) {
      payment.wasCancelDeclined = true;
      await this.#wait(scenario.slowMs);
      throw new TossRefusal(codeOf(scenario.declineCode));
    }
    payment.isBusy = true;
    if (scenario.outcome === 'HANG') return this.#hang(payment, scope);
    const giveBack = () => this.#giveBack(payment, request, amount, scope);
    if (scenario.lateMs !== null) {
      this.#deps.delays.after(scenario.lateMs, giveBack);
      return { kind: 'CUT' };
    }
    await this.#wait(scenario.slowMs);
    return giveBack();
  }

  async read(paymentKey: string): Promise<Delivery> {
    await this.#wait(null);
    const payment = this.#visible(paymentKey);
    return { kind: 'SEND', answer: { kind: 'PAYMENT', payment, cancels: payment.cancels.length } };
  }

  /** An order number may be used again: the latest window of it is shown. */
  async readByOrder(orderId: string): Promise<Delivery> {
    await this.#wait(null);
    const payment = this.#deps.payments
      .findByOrder(orderId)
      .findLast((candidate) => !this.#isHidden(candidate));
    if (!payment) throw new TossRefusal('NOT_FOUND_PAYMENT');
    return { kind: 'SEND', answer: { kind: 'PAYMENT', payment, cancels: payment.cancels.length } };
  }

  #confirmable(request: ConfirmRequest): TossPayment {
    const payment = this.#deps.payments.find(request.paymentKey);
    if (!payment || isExpired(payment, this.#deps.clock.nowMs()) || payment.status === 'ABORTED') {
      throw new TossRefusal('NOT_FOUND_PAYMENT_SESSION');
    }
    const { chargesEachKey } = payment.scenario;
    if (payment.isBusy && !chargesEachKey) throw new TossRefusal('ALREADY_PROCESSING_REQUEST');
    if (payment.status !== 'OPEN' && !(payment.status === 'PAID' && chargesEachKey)) {
      throw new TossRefusal('ALREADY_PROCESSED_PAYMENT');
    }
    if (payment.orderId !== request.orderId || payment.amount !== request.amount) {
      throw new TossRefusal('INVALID_REQUEST');
    }
    return payment;
  }

  async #decline(payment: TossPayment, code: string, scope: string | null): Promise<Delivery> {
    const { scenario } = payment;
    await this.#wait(scenario.slowMs);
    payment.isBusy = false;
    payment.wasDeclined = true;
    const known = codeOf(code);
    if (scenario.outcome === 'DECLINE' && !PASSING_CODES.has(known)) {
      this.#deps.payments.abort(this.#deps.journal, payment, known, scope);
    }
    throw new TossRefusal(known);
  }

  /** The moment at which money moves; synchronous, so that nothing comes between. */
  #execute(payment: TossPayment, scope: string | null): Delivery {
    const { payments, journal } = this.#deps;
    payment.isBusy = false;
    if (payment.scenario.outcome === 'DEPOSIT') payments.issueAccount(journal, payment, scope);
    else payments.capture(journal, payment, scope);
    return deliveryOf(payment, payment.scenario.ending);
  }

  /** The moment at which money goes back; synchronous for the same reason. */
  #giveBack(
    payment: TossPayment,
    request: CancelRequest,
    amount: number,
    scope: string | null,
  ): Delivery {
    const { payments, journal } = this.#deps;
    payment.isBusy = false;
    const { cancelReason: reason, taxFreeAmount = 0 } = request;
    payments.cancel(journal, payment, { amount, reason, taxFreeAmount }, scope);
    return deliveryOf(payment, payment.scenario.cancel.ending);
  }

  /** Nothing happens, and the payment stays busy, until the client has given up. */
  #hang(payment: TossPayment, scope: string | null): Delivery {
    return {
      kind: 'HANG',
      onGone: () => {
        payment.isBusy = false;
        this.#release(scope);
      },
    };
  }

  #visible(paymentKey: string): TossPayment {
    const payment = this.#deps.payments.find(paymentKey);
    if (!payment || this.#isHidden(payment)) throw new TossRefusal('NOT_FOUND_PAYMENT');
    return payment;
  }

  #isHidden(payment: TossPayment): boolean {
    return this.#deps.clock.nowMs() < payment.hiddenUntilMs;
  }

  #wait(ownMs: number | null): Promise<void> | undefined {
    const ms = ownMs ?? this.#deps.latencyMs();
    return ms > 0 ? this.#deps.delays.sleep(ms) : undefined;
  }

  #release(scope: string | null): void {
    if (scope !== null) this.#deps.idempotency.release(scope);
  }
}

/** How the answer to the call that has just moved money goes out. */
function deliveryOf(payment: TossPayment, ending: Ending): Delivery {
  const answer = answerOf(payment);
  switch (ending) {
    case 'ANSWER':
    case 'FAULT':
    case 'GARBAGE':
      return { kind: 'SEND', answer };
    case 'PARTIAL':
      return { kind: 'PARTIAL', answer };
    case 'RESET':
      return { kind: 'CUT' };
    case 'HANG':
      return { kind: 'HANG', onGone: () => {} };
    default:
      return ending satisfies never;
  }
}

function codeOf(code: string): TossErrorCode {
  return isTossErrorCode(code) ? code : 'COMMON_ERROR';
}

/** Toss's rules of section 1.3, in the order in which it checks them. */
function cancelableAmount(payment: TossPayment, request: CancelRequest): number {
  const balance = balanceOf(payment);
  const amount = request.cancelAmount ?? balance;
  const isWhole = amount === payment.amount && payment.cancels.length === 0;
  if (payment.status === 'WAITING_FOR_DEPOSIT') {
    if (payment.cancels.length > 0) throw new TossRefusal('ALREADY_CANCELED_PAYMENT');
    if (!isWhole) throw new TossRefusal('NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT');
    return amount;
  }
  if (payment.status !== 'PAID') throw new TossRefusal('NOT_CANCELABLE_PAYMENT');
  if (balance === 0) {
    const atOnce = payment.cancels.length === 1;
    throw new TossRefusal(atOnce ? 'ALREADY_CANCELED_PAYMENT' : 'NOT_CANCELABLE_AMOUNT');
  }
  if (request.refundableAmount !== undefined && request.refundableAmount !== balance) {
    throw new TossRefusal('NOT_MATCHES_REFUNDABLE_AMOUNT');
  }
  if (amount > balance) throw new TossRefusal('NOT_CANCELABLE_AMOUNT');
  return amount;
}
