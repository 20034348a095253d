import { newId } from '@mini-pg/runtime';
import type { Journal } from '../journal.ts';
import type { Ledger } from '../ledger.ts';
import type { ScenarioReader } from '../scenario.ts';
import type { SimClock } from '../sim-clock.ts';
import { isTossErrorCode, TOSS_ERRORS, type TossErrorCode } from './toss-errors.ts';
import type { StoredAnswer, TossIdempotency } from './toss-idempotency.ts';
import type { TossRecord } from './toss-journal.ts';
import type { TossPayment } from './toss-payment.ts';

export interface TossWindow {
  readonly orderId: string;
  readonly orderName: string | null;
  readonly amount: number;
  /** The scenario as it was asked for. */
  readonly scenario: string;
}

export interface TossPaymentsDeps {
  readonly clock: SimClock;
  readonly ledger: Ledger;
  readonly scenarios: ScenarioReader;
  readonly idempotency: TossIdempotency;
  readonly windowsMax: number;
}

/**
 * Toss's own books. Every change is one record: it is written to the journal first and then applied,
 * by the same code that applies it again after a restart.
 */
export class TossPayments {
  readonly #deps: TossPaymentsDeps;
  readonly #byKey = new Map<string, TossPayment>();
  readonly #byOrder = new Map<string, TossPayment[]>();
  /** Payments without money, oldest first. */
  readonly #moneyless = new Set<TossPayment>();
  evicted = 0;

  constructor(deps: TossPaymentsDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get moneyless(): number {
    return this.#moneyless.size;
  }

  find(paymentKey: string): TossPayment | undefined {
    return this.#byKey.get(paymentKey);
  }

  /** All windows of an order, oldest first: an order number may be used again. */
  findByOrder(orderId: string): readonly TossPayment[] {
    return this.#byOrder.get(orderId) ?? [];
  }

  open(journal: Journal, windows: readonly TossWindow[]): TossPayment[] {
    const records = windows.map(
      (window): TossRecord => ({
        type: 'WINDOW',
        pg: 'toss',
        paymentKey: `tgen_${compactId()}`,
        ...window,
        atMs: this.#deps.clock.nowMs(),
      }),
    );
    journal.append(records);
    return records.map((record) => this.apply(record));
  }

  capture(journal: Journal, payment: TossPayment, scope: string | null): void {
    const atMs = this.#deps.clock.nowMs();
    const { notFoundForMs } = payment.scenario;
    this.#write(journal, {
      type: 'CAPTURE',
      ...about(payment),
      seq: this.#deps.ledger.nextSeq,
      transactionKey: `txrd_${compactId()}`,
      hiddenUntilMs: notFoundForMs === null ? 0 : atMs + notFoundForMs,
      scope,
      atMs,
    });
  }

  issueAccount(journal: Journal, payment: TossPayment, scope: string | null): void {
    const atMs = this.#deps.clock.nowMs();
    const transactionKey = `txrd_${compactId()}`;
    this.#write(journal, { type: 'DEPOSIT', ...about(payment), transactionKey, scope, atMs });
  }

  abort(journal: Journal, payment: TossPayment, code: TossErrorCode, scope: string | null): void {
    const atMs = this.#deps.clock.nowMs();
    this.#write(journal, { type: 'ABORT', ...about(payment), code, scope, atMs });
  }

  cancel(
    journal: Journal,
    payment: TossPayment,
    cancel: { amount: number; reason: string; taxFreeAmount: number },
    scope: string | null,
  ): void {
    this.#write(journal, {
      type: 'CANCEL',
      ...about(payment),
      seq: payment.status === 'PAID' ? this.#deps.ledger.nextSeq : null,
      transactionKey: `txrd_${compactId()}`,
      ...cancel,
      scope,
      atMs: this.#deps.clock.nowMs(),
    });
  }

  /** Makes a record true, now or after a restart. @throws Error for one that fits no payment. */
  apply(record: TossRecord): TossPayment {
    if (record.type === 'WINDOW') return this.#addWindow(record);
    const payment = this.#byKey.get(record.paymentKey);
    if (!payment) throw new Error(`journal: no window for ${record.paymentKey}`);
    switch (record.type) {
      case 'CAPTURE':
        payment.status = 'PAID';
        payment.approvedAtMs = record.atMs;
        payment.approvalKey = record.transactionKey;
        payment.hiddenUntilMs = record.hiddenUntilMs;
        this.#moneyless.delete(payment);
        this.#addRow(payment, record.seq, 'CAPTURE', record, payment.amount);
        break;
      case 'DEPOSIT':
        payment.status = 'WAITING_FOR_DEPOSIT';
        payment.approvalKey = record.transactionKey;
        break;
      case 'CANCEL':
        payment.cancels.push(record);
        if (record.seq !== null) {
          this.#addRow(payment, record.seq, 'CANCEL', record, record.amount);
        }
        break;
      case 'ABORT':
        payment.status = 'ABORTED';
        payment.failure = isTossErrorCode(record.code) ? record.code : 'COMMON_ERROR';
        break;
      default:
        record satisfies never;
    }
    if (record.scope !== null) {
      // Who sends the request again while inquiries know nothing of it learns no more than they.
      const runningUntilMs = payment.hiddenUntilMs;
      this.#deps.idempotency.store(record.scope, answerOf(payment), record.atMs, runningUntilMs);
    }
    return payment;
  }

  #write(journal: Journal, record: TossRecord): void {
    journal.append([record]);
    this.apply(record);
  }

  #addWindow(record: TossRecord & { type: 'WINDOW' }): TossPayment {
    const payment: TossPayment = {
      paymentKey: record.paymentKey,
      orderId: record.orderId,
      orderName: record.orderName,
      amount: record.amount,
      requestedAtMs: record.atMs,
      scenario: this.#deps.scenarios.read(record.scenario),
      status: 'OPEN',
      approvedAtMs: null,
      approvalKey: null,
      cancels: [],
      failure: null,
      isBusy: false,
      wasReset: false,
      wasDeclined: false,
      wasCancelReset: false,
      wasCancelDeclined: false,
      hiddenUntilMs: 0,
    };
    this.#byKey.set(payment.paymentKey, payment);
    const sameOrder = this.#byOrder.get(payment.orderId);
    if (sameOrder) sameOrder.push(payment);
    else this.#byOrder.set(payment.orderId, [payment]);
    this.#moneyless.add(payment);
    if (this.#moneyless.size > this.#deps.windowsMax) this.#evictOldest();
    return payment;
  }

  #addRow(
    payment: TossPayment,
    seq: number,
    kind: 'CAPTURE' | 'CANCEL',
    move: { transactionKey: string; atMs: number },
    amount: number,
  ): void {
    this.#deps.ledger.add({
      seq,
      pg: 'toss',
      orderId: payment.orderId,
      pgPaymentId: payment.paymentKey,
      pgTransactionId: move.transactionKey,
      kind,
      amount,
      atMs: move.atMs,
    });
  }

  #evictOldest(): void {
    for (const payment of this.#moneyless) {
      if (payment.isBusy) continue;
      this.#moneyless.delete(payment);
      this.#byKey.delete(payment.paymentKey);
      const others = this.findByOrder(payment.orderId).filter((other) => other !== payment);
      if (others.length > 0) this.#byOrder.set(payment.orderId, others);
      else this.#byOrder.delete(payment.orderId);
      this.evicted += 1;
      return;
    }
  }
}

/** What the call that brought a payment where it is was answered with, and is again. */
export function answerOf(payment: TossPayment): StoredAnswer {
  if (payment.failure !== null) return refusalAnswer(payment.failure);
  const { scenario } = payment;
  const { ending } = payment.cancels.length === 0 ? scenario : scenario.cancel;
  if (ending === 'FAULT') return refusalAnswer('FAILED_INTERNAL_SYSTEM_PROCESSING');
  if (ending === 'GARBAGE') {
    return {
      kind: 'TEXT',
      status: 200,
      text: `{"mId":"tosspayments","paymentKey":"${payment.paymentKey}","stat`,
    };
  }
  return { kind: 'PAYMENT', payment, cancels: payment.cancels.length };
}

export function refusalAnswer(code: TossErrorCode): StoredAnswer {
  const [status, message] = TOSS_ERRORS[code];
  return { kind: 'TEXT', status, text: JSON.stringify({ code, message }) };
}

function about(payment: TossPayment) {
  return { pg: 'toss', paymentKey: payment.paymentKey } as const;
}

function compactId(): string {
  return newId().replaceAll('-', '');
}
