import type {
  ApproveRequest,
  CancelAnswer,
  CancelRequest,
  Gateway,
  GatewayCall,
  GatewayCapability,
  InquireRequest,
  NetCancelAnswer,
  PaymentAnswer,
  PgAnswer,
  PgError,
  PgFailure,
  PgPayment,
} from '@mini-pg/pg-adapters';
import type { Gates } from './gates.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What kind of PG it is. */
export interface PgCharacter {
  /** The same key executes once. */
  readonly hasKeys: boolean;
  /** A source is captured once, and a cancel refused that was decided on another balance. */
  readonly guards: boolean;
  /** Inquiries show what a shopper authenticated before it is captured. */
  readonly showsOpen: boolean;
  /** What it promises: a call is executed within the one, and shown after the other. */
  readonly executionTimeMaxMs: number;
  readonly visibilityDelayMs: number;
  /** Whether it does; else a call may be executed when nobody expects it any more. */
  readonly keepsPromises: boolean;
  /** It has no keys and demands that an approval whose answer is lost is net-cancelled. */
  readonly netCancels: boolean;
}

/** What becomes of one call; times are after the bytes left. */
export interface CallFate {
  readonly executes: 'YES' | 'REFUSES' | 'NEVER';
  /** When it is executed; 0 is before the answer. */
  readonly afterMs: number;
  /** How long inquiries do not show it. */
  readonly hiddenMs: number;
  readonly answer: 'TRUTH' | 'NONE' | 'FAULT' | 'UNAVAILABLE' | 'UNREACHABLE';
}

/** Money that moved, whoever knows of it. */
export interface Movement {
  readonly kind: 'CAPTURE' | 'REFUND';
  readonly transactionId: string;
  readonly paymentKey: string;
  /** Of the call that did it. */
  readonly key: string;
  readonly orderId: string;
  readonly amount: bigint;
  readonly atMs: number;
  readonly visibleAtMs: number;
}

/** What a call asks for; UNDO gives back all of a capture, if there is one. */
export type CallKind = Movement['kind'] | 'UNDO';

/** A call that has arrived and is not executed yet. */
interface Order {
  readonly kind: CallKind;
  readonly paymentKey: string;
  readonly orderId: string;
  /** Null for all that is left. */
  readonly amount: bigint | null;
  readonly remainingBefore: bigint | null;
  readonly fate: CallFate;
  readonly key: string;
  readonly atMs: number;
}

export interface SimulatedPgOptions {
  readonly character: PgCharacter;
  readonly clock: VirtualClock;
  readonly nextFate: (kind: CallKind, paymentKey: string) => CallFate;
  /** What the shopper's window was opened with. */
  readonly windowOf: (paymentKey: string) => { readonly orderId: string; readonly amount: bigint };
  /** Whether the next inquiry gets an answer. */
  readonly mayAnswerInquiry: () => boolean;
}

type Ladders = GatewayCapability['ladders'];

const LADDERS_WITH_KEYS: Ladders = {
  APPROVE: ['INQUIRE', 'RESEND', 'EXCEPTION'],
  CANCEL: ['INQUIRE', 'RESEND', 'EXCEPTION'],
  NET_CANCEL: [],
};
const LADDERS_WITHOUT_KEYS: Ladders = {
  APPROVE: ['INQUIRE', 'EXCEPTION'],
  CANCEL: ['INQUIRE', 'EXCEPTION'],
  NET_CANCEL: [],
};

/** As those of the PG of the contract suite that has to be net-cancelled. */
const LADDERS_WITH_NET_CANCEL: Ladders = {
  APPROVE: ['NET_CANCEL', 'INQUIRE', 'CANCEL', 'EXCEPTION'],
  CANCEL: ['INQUIRE', 'EXCEPTION'],
  NET_CANCEL: ['INQUIRE', 'NET_CANCEL', 'CANCEL', 'EXCEPTION'],
};
/** Over before the last net-cancel that the schedule would allow. */
const NET_CANCEL_WINDOW_MS = 300_000;

const DAY_MS = 86_400_000;
/** As long as Toss remembers a key. */
const KEY_LIFETIME_MS = 15 * DAY_MS;

/** A PG with its truth: what moved has moved, whether anybody was told or not. */
export class SimulatedPg {
  readonly movements: Movement[] = [];
  readonly #options: SimulatedPgOptions;
  readonly #pending: Order[] = [];
  /** By the key of a call: what was decided when it was first executed. */
  readonly #byKey = new Map<string, 'PENDING' | 'DONE' | 'REFUSED'>();
  readonly #refusedSources = new Set<string>();
  #count = 0;

  constructor(options: SimulatedPgOptions) {
    this.#options = options;
  }

  get keepsPromises(): boolean {
    return this.#options.character.keepsPromises;
  }

  /** Executes what is due by now. */
  work(): void {
    const due = this.#pending.filter(({ atMs }) => atMs <= this.#options.clock.nowMs);
    for (const order of due.sort((a, b) => a.atMs - b.atMs)) {
      this.#pending.splice(this.#pending.indexOf(order), 1);
      this.#execute(order);
    }
  }

  /** When something is executed next; null when nothing is on its way. */
  get nextWorkMs(): number | null {
    return this.#pending.length === 0 ? null : Math.min(...this.#pending.map(({ atMs }) => atMs));
  }

  /** Whether a call with this key may still move money. */
  isPending(key: string): boolean {
    return this.#pending.some((order) => order.key === key && order.fate.executes === 'YES');
  }

  /** The PG over the connections of one worker. */
  gatewayOf(gates: Gates, visibilityDelayMs: number): Gateway {
    const { hasKeys, executionTimeMaxMs, netCancels } = this.#options.character;
    return {
      pg: 'toss',
      capability: {
        approveIdempotent: hasKeys,
        cancelIdempotent: hasKeys,
        idempotencyKeyLifetimeMs: KEY_LIFETIME_MS,
        idempotencyKeyLengthMax: 300,
        inquireBy: ['PAYMENT'],
        visibilityDelayMs,
        executionTimeMaxMs,
        inquiryScheduleMs: [],
        ladders: laddersOf(this.#options.character),
        netCancel: netCancels ? { windowMs: NET_CANCEL_WINDOW_MS, idempotent: false } : null,
        partialCancel: true,
        currencies: ['KRW'],
        webhooks: 'NONE',
      },
      sourceOf: ({ paymentKey }) => ({ sourceKey: paymentKey, pgPaymentId: paymentKey }),
      approve: (request, call) => this.#approve(gates, request, call),
      cancel: (request, call) => this.#cancel(gates, request, call),
      inquire: (request, call) => this.#inquire(gates, request, call),
      netCancel: (request, call) => this.#netCancel(gates, request, call),
      verifyWebhook: () => ({ kind: 'REJECTED', reason: 'no webhooks here' }),
      close: async () => {},
    };
  }

  #approve(gates: Gates, request: ApproveRequest, call: GatewayCall): Promise<PgAnswer> {
    const { paymentKey } = request.source;
    const order = { kind: 'CAPTURE', paymentKey, orderId: request.pgOrderId } as const;
    return this.#exchange(gates, 'approve at the PG', call, () =>
      this.#receive({ ...order, amount: request.amount, remainingBefore: null }, call),
    );
  }

  #cancel(gates: Gates, request: CancelRequest, call: GatewayCall): Promise<CancelAnswer> {
    const { pgPaymentId: paymentKey, amount, remainingBefore } = request;
    const order = { kind: 'REFUND', paymentKey, orderId: '', amount, remainingBefore } as const;
    return this.#exchange(gates, 'cancel at the PG', call, () => {
      const answer = this.#receive(order, call);
      if (answer.kind !== 'PAYMENT') return answer;
      const done = this.movements.find(({ key }) => key === call.idempotencyKey);
      return { ...answer, cancel: done === undefined ? null : cancelOf(done) };
    });
  }

  /** Shows what it undid unless that is to stay hidden for a while. */
  #netCancel(gates: Gates, request: ApproveRequest, call: GatewayCall): Promise<NetCancelAnswer> {
    const { paymentKey } = request.source;
    const order = { kind: 'UNDO', paymentKey, orderId: request.pgOrderId } as const;
    return this.#exchange(gates, 'net-cancel at the PG', call, (): NetCancelAnswer => {
      const answer = this.#receive({ ...order, amount: null, remainingBefore: null }, call);
      if (answer.kind !== 'PAYMENT') return answer;
      const done = this.movements.find(({ key }) => key === call.idempotencyKey);
      const isShown = done !== undefined && done.visibleAtMs <= done.atMs;
      const { payment, evidence } = answer;
      return {
        kind: 'UNDONE',
        shown: isShown ? { payment, cancel: cancelOf(done) } : null,
        evidence,
      };
    });
  }

  #inquire(gates: Gates, request: InquireRequest, call: GatewayCall): Promise<PgAnswer> {
    const paymentKey = request.by === 'PAYMENT' ? request.pgPaymentId : '';
    return this.#exchange(gates, 'inquire at the PG', call, () =>
      this.#options.mayAnswerInquiry() ? this.#show(paymentKey) : noAnswer('lost'),
    );
  }

  /** An answer that takes too long is none. */
  async #exchange<Answer extends PgAnswer | CancelAnswer | NetCancelAnswer>(
    gates: Gates,
    label: string,
    { timeouts }: GatewayCall,
    receive: () => Answer,
  ): Promise<Answer | PgFailure> {
    const { clock } = this.#options;
    const { answer, sentAtMs } = await gates.pass(label, () => {
      this.work();
      return { value: { answer: receive(), sentAtMs: clock.nowMs } };
    });
    const isLate = clock.nowMs - sentAtMs > timeouts.readMs;
    return isLate && answer.kind !== 'NOT_SENT' ? noAnswer('too late') : answer;
  }

  #receive(order: Omit<Order, 'fate' | 'key' | 'atMs'>, call: GatewayCall): PgAnswer {
    const { character, clock, nextFate } = this.#options;
    if (call.maySend && !call.maySend()) return notSent('WITHHELD');
    const fate = nextFate(order.kind, order.paymentKey);
    if (fate.answer === 'UNREACHABLE') return notSent('UNREACHABLE');
    if (fate.answer === 'UNAVAILABLE') return refused('PROVIDER_UNAVAILABLE', 'TRY_AGAIN');
    const key = call.idempotencyKey ?? '';
    const isKnown = character.hasKeys && this.#byKey.has(key);
    if (!isKnown && fate.executes !== 'NEVER') {
      this.#byKey.set(key, 'PENDING');
      this.#pending.push({ ...order, fate, key, atMs: clock.nowMs + fate.afterMs });
      this.work();
    }
    if (fate.answer === 'NONE') return noAnswer('the connection was reset');
    return fate.answer === 'FAULT' ? fault() : this.#tell(order, key);
  }

  #execute(order: Order): void {
    const { kind, fate, key, paymentKey, atMs } = order;
    const balance = this.#balanceOf(paymentKey, Number.POSITIVE_INFINITY);
    if (fate.executes === 'REFUSES' || !this.#mayExecute(order, balance)) {
      this.#byKey.set(key, 'REFUSED');
      if (kind === 'CAPTURE' && !this.#isCaptured(paymentKey)) this.#refusedSources.add(paymentKey);
      return;
    }
    this.#count += 1;
    this.#byKey.set(key, 'DONE');
    this.movements.push({
      kind: kind === 'UNDO' ? 'REFUND' : kind,
      ...{ key, paymentKey, atMs, orderId: order.orderId },
      transactionId: `tx-${this.#count}`,
      amount: order.amount ?? balance,
      visibleAtMs: atMs + fate.hiddenMs,
    });
  }

  #mayExecute(order: Order, balance: bigint): boolean {
    const { guards, netCancels } = this.#options.character;
    if (order.kind === 'UNDO') return balance > 0n;
    // What was undone once is not approved again.
    if (netCancels && order.kind === 'CAPTURE' && this.#isCaptured(order.paymentKey)) return false;
    return !guards || fits(order, balance);
  }

  /** The answer to a call by what has become of it. */
  #tell({ kind, paymentKey }: Pick<Order, 'kind' | 'paymentKey'>, key: string): PgAnswer {
    const own = this.movements.some((movement) => movement.key === key);
    if (own) return this.#showNow(paymentKey);
    if (kind === 'UNDO' && !this.#isCaptured(paymentKey)) {
      return refused('NOT_FOUND', 'NOTHING_TO_UNDO');
    }
    if (kind === 'UNDO' && this.#balanceOf(paymentKey, Number.POSITIVE_INFINITY) === 0n) {
      return refused('ALREADY_PROCESSED', 'ALREADY_CANCELED_PAYMENT');
    }
    if (kind === 'CAPTURE' && this.#isCaptured(paymentKey)) {
      return refused('ALREADY_PROCESSED', 'ALREADY_PROCESSED_PAYMENT');
    }
    if (this.#byKey.get(key) !== 'REFUSED') {
      return refused('IN_PROGRESS', 'IDEMPOTENT_REQUEST_PROCESSING');
    }
    return kind === 'CAPTURE'
      ? refused('CARD_DECLINED', 'REJECT_CARD_PAYMENT')
      : refused('NOT_CANCELABLE', 'NOT_CANCELABLE_PAYMENT');
  }

  /** What an inquiry shows: not what happened a moment ago. */
  #show(paymentKey: string): PgAnswer {
    const { character, clock } = this.#options;
    const payment = this.#paymentOf(paymentKey, clock.nowMs);
    if (payment !== null) return shown(payment);
    if (!character.showsOpen || this.#refusedSources.has(paymentKey)) {
      return refused('NOT_FOUND', 'NOT_FOUND_PAYMENT');
    }
    const { orderId: pgOrderId, amount } = this.#options.windowOf(paymentKey);
    const open = { ...blankPayment(paymentKey), pgOrderId, amount, balanceAmount: amount };
    return { ...shown(open), state: 'IN_PROGRESS' };
  }

  #showNow(paymentKey: string): PgAnswer {
    const payment = this.#paymentOf(paymentKey, Number.POSITIVE_INFINITY);
    return payment === null ? fault() : shown(payment);
  }

  #paymentOf(paymentKey: string, visibleByMs: number): PgPayment | null {
    const seen = this.#seenOf(paymentKey, visibleByMs);
    const capture = seen.find(({ kind }) => kind === 'CAPTURE');
    if (capture === undefined) return null;
    return {
      ...blankPayment(paymentKey),
      pgOrderId: capture.orderId,
      pgTransactionId: capture.transactionId,
      amount: capture.amount,
      balanceAmount: this.#balanceOf(paymentKey, visibleByMs),
      approvedAt: new Date(capture.atMs).toISOString(),
      cancels: seen.filter(({ kind }) => kind === 'REFUND').map(cancelOf),
    };
  }

  #balanceOf(paymentKey: string, visibleByMs: number): bigint {
    return this.#seenOf(paymentKey, visibleByMs).reduce(
      (sum, { kind, amount }) => (kind === 'CAPTURE' ? sum + amount : sum - amount),
      0n,
    );
  }

  #seenOf(paymentKey: string, visibleByMs: number): Movement[] {
    return this.movements.filter(
      (movement) => movement.paymentKey === paymentKey && movement.visibleAtMs <= visibleByMs,
    );
  }

  #isCaptured(paymentKey: string): boolean {
    return this.movements.some(
      (movement) => movement.kind === 'CAPTURE' && movement.paymentKey === paymentKey,
    );
  }
}

function laddersOf({ hasKeys, netCancels }: PgCharacter): Ladders {
  if (netCancels) return LADDERS_WITH_NET_CANCEL;
  return hasKeys ? LADDERS_WITH_KEYS : LADDERS_WITHOUT_KEYS;
}

/** What a careful PG executes: one capture of a source, cancels of the balance that is there. */
function fits({ kind, amount, remainingBefore }: Order, balance: bigint): boolean {
  if (kind === 'CAPTURE') return balance === 0n;
  return (remainingBefore ?? balance) === balance && (amount ?? balance) <= balance;
}

const EVIDENCE = { httpStatus: 200, pgTraceId: null, latencyMs: 1, rawStatus: null };

function shown(payment: PgPayment): PaymentAnswer {
  const { amount, balanceAmount } = payment;
  const cancelled = balanceAmount === 0n ? 'CANCELLED' : 'PARTIALLY_CANCELLED';
  const state = balanceAmount === amount ? 'PAID' : cancelled;
  return { kind: 'PAYMENT', state, payment, evidence: EVIDENCE };
}

function cancelOf({ transactionId, amount, atMs }: Movement): PgPayment['cancels'][number] {
  return { pgTransactionId: transactionId, amount, at: new Date(atMs).toISOString() };
}

function blankPayment(pgPaymentId: string): PgPayment {
  return {
    pgPaymentId,
    pgOrderId: '',
    pgTransactionId: null,
    amount: 0n,
    balanceAmount: 0n,
    currency: 'KRW',
    methodDetail: METHOD,
    approvedAt: null,
    failure: null,
    cancels: [],
  };
}

const METHOD = {
  type: 'CARD',
  issuer: '61',
  acquirer: '31',
  cardType: 'CREDIT',
  ownerType: null,
  installmentMonths: 0,
  interestFree: false,
  approveNo: '00000000',
  maskedNumber: '433012******1234',
};

function errorOf(code: PgError['code'], pgCode: string | null): PgError {
  return { code, pgCode, message: pgCode ?? code };
}

function refused(code: PgError['code'], pgCode: string): PgFailure {
  return { kind: 'REFUSED', error: errorOf(code, pgCode), evidence: EVIDENCE };
}

function notSent(reason: 'WITHHELD' | 'UNREACHABLE'): PgFailure {
  const error = errorOf('PROVIDER_UNAVAILABLE', null);
  return { kind: 'NOT_SENT', reason, error, evidence: EVIDENCE };
}

function noAnswer(message: string): PgFailure {
  const error = { ...errorOf('OUTCOME_UNKNOWN', null), message };
  return { kind: 'NO_ANSWER', error, evidence: EVIDENCE };
}

function fault(): PgFailure {
  return { kind: 'UNKNOWN', error: errorOf('OUTCOME_UNKNOWN', 'HTTP_500'), evidence: EVIDENCE };
}
