import { randomUUID } from 'node:crypto';
import type { PaymentSource, UnifiedCode } from '@mini-pg/domain';
import type { Secret } from '@mini-pg/runtime';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CancelRequest, Gateway, GatewayCall, InquireRequest, PgAnswer } from '../gateway.ts';

/** How a payment at the PG's stand-in behaves when it is approved, and when it is cancelled. */
export const BEHAVIOURS = [
  'approved',
  'slow',
  'slower than the timeout',
  'unavailable once',
  'reset before capture',
  'reset after capture',
  'hang',
  'hang after capture',
  'fault after capture',
  'malformed answer',
  'half an answer',
  'captured late',
  'invisible for a while',
  'waiting for deposit',
  'cancel unavailable once',
  'cancel reset before',
  'cancel reset after',
  'cancel hang after',
  'cancel slower than the timeout',
  'cancel fault after',
  'cancel malformed answer',
  'cancel half an answer',
] as const;

export type Behaviour = (typeof BEHAVIOURS)[number];

/** The refusals that end a payment; every PG has most of them. */
export const DECLINES = [
  'CARD_DECLINED',
  'INSUFFICIENT_FUNDS_OR_LIMIT',
  'INVALID_PAYMENT_METHOD',
  'AUTHENTICATION_FAILED',
  'INVALID_REQUEST',
] as const satisfies readonly UnifiedCode[];

/** A gap: this PG, or its stand-in, cannot do that, and why. */
export class NotSupported {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface OpenedPayment {
  readonly source: PaymentSource;
  readonly pgOrderId: string;
  readonly amount: bigint;
}

/** A running PG stand-in. */
export interface GatewayStand {
  readonly baseUrl: string;
  readonly secret: Secret;
  readonly wrongSecret: Secret;
  /** Times of the behaviours hold against this. */
  readonly readMs: number;
  open(behaviour: string, pgOrderId?: string): Promise<OpenedPayment>;
  /** The stand-in's truth about money, in order. */
  ledger(pgOrderId: string): Promise<readonly { kind: 'CAPTURE' | 'CANCEL'; amount: bigint }[]>;
  close(): Promise<void>;
}

export interface GatewaySubject {
  createGateway(): Gateway;
  start(): Promise<GatewayStand>;
  /** How the stand-in is told each behaviour, in its own words. */
  readonly behaviours: Readonly<Record<Behaviour, string | NotSupported>>;
  readonly declines: Readonly<Record<(typeof DECLINES)[number], string | NotSupported>>;
}

/** Waits for a state that the stand-in reaches by itself. */
const WAIT = { timeout: 8_000, interval: 50 };

/**
 * What every gateway must do, whatever its PG calls it. Money is compared with the stand-in's own
 * books, never with what the gateway answered.
 */
export function gatewayContract(name: string, subject: GatewaySubject): void {
  describe(`the gateway contract, held by ${name}`, () => {
    const bench = new Bench(subject);
    beforeAll(() => bench.start());
    afterAll(() => bench.stop());
    ladders(bench);
    approvals(bench);
    declines(bench);
    lostAnswers(bench);
    repeats(bench);
    refusedCalls(bench);
    inquiries(bench);
    cancels(bench);
    lostCancels(bench);
  });
}

function ladders(bench: Bench): void {
  it('has ladders that its facts bear out', () => expectSoundLadders(bench.gateway));
}

/** What a ladder says may be done, the PG can do; and each ends with a person. */
export function expectSoundLadders({ capability, netCancel }: Gateway): void {
  const { ladders, approveIdempotent, cancelIdempotent } = capability;
  expect(capability.netCancel !== null).toBe(netCancel !== undefined);
  expect(ladders.APPROVE.includes('NET_CANCEL')).toBe(netCancel !== undefined);
  expect(ladders.NET_CANCEL.length > 0).toBe(netCancel !== undefined);
  if (ladders.APPROVE.includes('RESEND')) expect(approveIdempotent).toBe(true);
  if (ladders.CANCEL.includes('RESEND')) expect(cancelIdempotent).toBe(true);
  for (const ladder of Object.values(ladders)) {
    if (ladder.length > 0) expect(ladder.at(-1)).toBe('EXCEPTION');
  }
}

function approvals(bench: Bench): void {
  for (const behaviour of ['approved', 'slow'] as const) {
    bench.it(behaviour, 'ends PAID with what was asked for, captured once', async (payment) => {
      const answer = await bench.approve(payment);
      expect(answer).toMatchObject(paid(payment));
      expect(await bench.moves(payment)).toEqual([['CAPTURE', payment.amount]]);
    });
  }

  bench.it('waiting for deposit', 'is no payment yet and can be given up', async (payment) => {
    const answer = await bench.approve(payment);
    expect(answer).toMatchObject({ kind: 'PAYMENT', state: 'WAITING_FOR_DEPOSIT' });
    const givenUp = await bench.cancel(payment, { amount: null, remainingBefore: null });
    expect(givenUp).toMatchObject({ kind: 'PAYMENT', state: 'CANCELLED' });
    expect(await bench.moves(payment)).toEqual([]);
  });
}

function declines(bench: Bench): void {
  for (const code of DECLINES) {
    const told = bench.subject.declines[code];
    bench.test(`a decline of the class ${code}`, told, 'is REFUSED with it', async (payment) => {
      expect(await bench.approve(payment)).toMatchObject({ kind: 'REFUSED', error: { code } });
      const later = await bench.inquire(payment);
      expect(later).toMatchObject({
        kind: 'PAYMENT',
        state: 'FAILED',
        payment: { failure: { code } },
      });
      expect(await bench.moves(payment)).toEqual([]);
    });
  }

  bench.it('unavailable once', 'says so, and a new key may succeed', async (payment) => {
    const first = await bench.approve(payment);
    expect(first).toMatchObject({ kind: 'REFUSED', error: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(await bench.approve(payment)).toMatchObject(paid(payment));
    expect(await bench.moves(payment)).toHaveLength(1);
  });
}

function lostAnswers(bench: Bench): void {
  const lost: [Behaviour, 'NO_ANSWER' | 'UNKNOWN'][] = [
    ['reset after capture', 'NO_ANSWER'],
    ['hang after capture', 'NO_ANSWER'],
    ['slower than the timeout', 'NO_ANSWER'],
    ['captured late', 'NO_ANSWER'],
    ['fault after capture', 'UNKNOWN'],
    ['malformed answer', 'UNKNOWN'],
    ['half an answer', 'UNKNOWN'],
  ];
  for (const [behaviour, kind] of lost) {
    bench.it(behaviour, `ends ${kind} and is found PAID by inquiry`, async (payment) => {
      expect(await bench.approve(payment)).toMatchObject({
        kind,
        error: { code: 'OUTCOME_UNKNOWN' },
      });
      await vi.waitFor(async () => {
        expect(await bench.inquire(payment)).toMatchObject(paid(payment));
      }, WAIT);
      expect(await bench.moves(payment)).toHaveLength(1);
    });
  }

  bench.it(
    'reset before capture',
    'ends NO_ANSWER, and the same bytes succeed',
    async (payment) => {
      const key = randomUUID();
      expect((await bench.approve(payment, key)).kind).toBe('NO_ANSWER');
      expect(await bench.moves(payment)).toEqual([]);
      expect(await bench.approve(payment, key)).toMatchObject(paid(payment));
      expect(await bench.moves(payment)).toHaveLength(1);
    },
  );

  bench.it('hang', 'ends NO_ANSWER and is seen unfinished', async (payment) => {
    expect((await bench.approve(payment)).kind).toBe('NO_ANSWER');
    expect(await bench.inquire(payment)).toMatchObject({ kind: 'PAYMENT', state: 'IN_PROGRESS' });
    expect(await bench.moves(payment)).toEqual([]);
  });

  bench.it('invisible for a while', 'is not found at first and PAID later', async (payment) => {
    const key = randomUUID();
    expect((await bench.approve(payment, key)).kind).toBe('NO_ANSWER');
    expect(await bench.inquire(payment)).toMatchObject(NOT_FOUND);
    expect((await bench.approve(payment, key)).kind).toBe('UNKNOWN');
    await vi.waitFor(async () => {
      expect(await bench.inquire(payment)).toMatchObject(paid(payment));
    }, WAIT);
    expect(await bench.moves(payment)).toHaveLength(1);
  });
}

function repeats(bench: Bench): void {
  for (const behaviour of ['approved', 'reset after capture', 'hang after capture'] as const) {
    bench.it(behaviour, 'is answered again for the same key, captured once', async (payment) => {
      const key = randomUUID();
      await bench.approve(payment, key);
      const again = await bench.approve(payment, key);
      const known = await bench.inquire(payment);
      expect(again).toMatchObject(paid(payment));
      expect(transactionOf(again)).toBe(transactionOf(known));
      expect(await bench.moves(payment)).toHaveLength(1);
    });
  }

  bench.it('approved', 'is ALREADY_PROCESSED for another key', async (payment) => {
    await bench.approve(payment);
    const second = await bench.approve(payment);
    expect(second).toMatchObject({ kind: 'REFUSED', error: { code: 'ALREADY_PROCESSED' } });
    expect(await bench.moves(payment)).toHaveLength(1);
  });

  bench.it('slower than the timeout', 'is IN_PROGRESS for the same key', async (payment) => {
    const key = randomUUID();
    expect((await bench.approve(payment, key)).kind).toBe('NO_ANSWER');
    const again = await bench.approve(payment, key);
    expect(again).toMatchObject({ kind: 'UNKNOWN', error: { code: 'IN_PROGRESS' } });
    await vi.waitFor(async () => {
      expect(await bench.approve(payment, key)).toMatchObject(paid(payment));
    }, WAIT);
    expect(await bench.moves(payment)).toHaveLength(1);
  });
}

function refusedCalls(bench: Bench): void {
  bench.it('approved', 'is refused with a wrong secret as CONFIG_ERROR', async (payment) => {
    const account = { ...bench.call().account, secret: bench.stand.wrongSecret };
    const answer = await bench.approve(payment, randomUUID(), { account });
    expect(answer).toMatchObject({ kind: 'REFUSED', error: { code: 'CONFIG_ERROR' } });
    expect(await bench.moves(payment)).toEqual([]);
  });

  bench.it('approved', 'is refused for another amount or order', async (payment) => {
    const wrong: OpenedPayment[] = [
      { ...payment, amount: payment.amount + 1n },
      { ...payment, pgOrderId: `${payment.pgOrderId}x` },
    ];
    for (const other of wrong) {
      const answer = await bench.approve(other);
      expect(answer.kind).toBe('REFUSED');
      const codes = ['INVALID_REQUEST', 'AMOUNT_MISMATCH'];
      expect(codes).toContain(answer.kind === 'REFUSED' && answer.error.code);
    }
    expect(await bench.moves(payment)).toEqual([]);
  });

  bench.it('approved', 'is NOT_SENT when the caller may not send', async (payment) => {
    const answer = await bench.approve(payment, randomUUID(), { maySend: () => false });
    expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'WITHHELD' });
    expect(await bench.moves(payment)).toEqual([]);
  });

  bench.it('approved', 'is NOT_SENT when nobody listens', async (payment) => {
    // Port 1 is never listened on by what these tests start.
    const account = { ...bench.call().account, baseUrl: 'http://127.0.0.1:1' };
    const answer = await bench.approve(payment, randomUUID(), { account });
    expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'UNREACHABLE' });
  });
}

function inquiries(bench: Bench): void {
  bench.it('approved', 'is seen unfinished before it is approved', async (payment) => {
    expect(await bench.inquire(payment)).toMatchObject({ kind: 'PAYMENT', state: 'IN_PROGRESS' });
  });

  it('does not find what is not there, by all ways that the PG has', async () => {
    const { gateway } = bench;
    const requests: InquireRequest[] = gateway.capability.inquireBy.map((by) =>
      by === 'PAYMENT'
        ? { by, pgPaymentId: `none${randomUUID()}` }
        : { by, pgOrderId: `none-${randomUUID()}` },
    );
    for (const request of requests) {
      expect(await gateway.inquire(request, bench.call())).toMatchObject(NOT_FOUND);
    }
  });

  bench.it('approved', 'is found by order number, which may name another', async (payment) => {
    if (!bench.gateway.capability.inquireBy.includes('ORDER')) return;
    await bench.approve(payment);
    const byOrder: InquireRequest = { by: 'ORDER', pgOrderId: payment.pgOrderId };
    expect(await bench.gateway.inquire(byOrder, bench.call())).toMatchObject(paid(payment));
    const other = await bench.open('approved', payment.pgOrderId);
    const answer = await bench.gateway.inquire(byOrder, bench.call());
    expect(answer).toMatchObject({
      state: 'IN_PROGRESS',
      payment: { pgPaymentId: bench.idOf(other) },
    });
  });
}

function cancels(bench: Bench): void {
  bench.it('approved', 'is cancelled whole, once', async (payment) => {
    const { amount } = payment;
    await bench.approve(payment);
    const key = randomUUID();
    const whole = { amount: null, remainingBefore: amount };
    const first = await bench.cancel(payment, whole, key);
    expect(first).toMatchObject({
      kind: 'PAYMENT',
      state: 'CANCELLED',
      payment: { amount, balanceAmount: 0n },
      cancel: { amount },
    });
    expect(await bench.cancel(payment, whole, key)).toMatchObject({ kind: 'PAYMENT' });
    const other = await bench.cancel(payment, { amount: null, remainingBefore: null });
    expect(other).toMatchObject({ kind: 'REFUSED', error: { code: 'ALREADY_PROCESSED' } });
    expect(await bench.moves(payment)).toEqual([
      ['CAPTURE', amount],
      ['CANCEL', amount],
    ]);
  });

  bench.it('approved', 'is cancelled in parts to the last won', async (payment) => {
    if (!bench.gateway.capability.partialCancel) return;
    const { amount } = payment;
    await bench.approve(payment);
    const part = await bench.cancel(payment, { amount: 300n, remainingBefore: amount });
    expect(part).toMatchObject({
      state: 'PARTIALLY_CANCELLED',
      payment: { balanceAmount: amount - 300n },
      cancel: { amount: 300n },
    });
    const stale = await bench.cancel(payment, { amount: 100n, remainingBefore: amount });
    expect(stale).toMatchObject({ kind: 'REFUSED', error: { code: 'AMOUNT_MISMATCH' } });
    const tooMuch = await bench.cancel(payment, { amount, remainingBefore: null });
    expect(tooMuch).toMatchObject({ kind: 'REFUSED', error: { code: 'AMOUNT_MISMATCH' } });
    const rest = amount - 300n;
    const last = await bench.cancel(payment, { amount: rest, remainingBefore: rest });
    expect(last).toMatchObject({ state: 'CANCELLED', payment: { balanceAmount: 0n } });
    expect(await bench.moves(payment)).toEqual([
      ['CAPTURE', amount],
      ['CANCEL', 300n],
      ['CANCEL', rest],
    ]);
  });

  bench.it('hang', 'is not cancelable before it is approved', async (payment) => {
    const answer = await bench.cancel(payment, { amount: null, remainingBefore: null });
    expect(answer).toMatchObject({ kind: 'REFUSED', error: { code: 'NOT_CANCELABLE' } });
  });
}

function lostCancels(bench: Bench): void {
  const lost: [Behaviour, 'NO_ANSWER' | 'UNKNOWN'][] = [
    ['cancel reset after', 'NO_ANSWER'],
    ['cancel hang after', 'NO_ANSWER'],
    ['cancel slower than the timeout', 'NO_ANSWER'],
    ['cancel fault after', 'UNKNOWN'],
    ['cancel malformed answer', 'UNKNOWN'],
    ['cancel half an answer', 'UNKNOWN'],
  ];
  for (const [behaviour, kind] of lost) {
    bench.it(behaviour, `ends ${kind} and is found by inquiry, once`, async (payment) => {
      await bench.approve(payment);
      const whole = { amount: null, remainingBefore: payment.amount };
      expect(await bench.cancel(payment, whole)).toMatchObject({
        kind,
        error: { code: 'OUTCOME_UNKNOWN' },
      });
      await vi.waitFor(async () => {
        expect(await bench.inquire(payment)).toMatchObject(cancelled(payment));
      }, WAIT);
      expect(await bench.moves(payment)).toEqual(backAgain(payment));
    });
  }

  for (const behaviour of ['cancel reset after', 'cancel hang after'] as const) {
    bench.it(behaviour, 'is answered again for the same key, given back once', async (payment) => {
      if (!bench.gateway.capability.cancelIdempotent) return;
      await bench.approve(payment);
      const whole = { amount: null, remainingBefore: payment.amount };
      const key = randomUUID();
      await bench.cancel(payment, whole, key);
      const again = await bench.cancel(payment, whole, key);
      expect(again).toMatchObject({ ...cancelled(payment), cancel: { amount: payment.amount } });
      expect(await bench.moves(payment)).toEqual(backAgain(payment));
    });
  }

  bench.it('cancel reset before', 'is seen not done, and the same bytes do it', async (payment) => {
    await bench.approve(payment);
    const whole = { amount: null, remainingBefore: payment.amount };
    const key = randomUUID();
    expect((await bench.cancel(payment, whole, key)).kind).toBe('NO_ANSWER');
    expect(await bench.inquire(payment)).toMatchObject(paid(payment));
    expect(await bench.cancel(payment, whole, key)).toMatchObject(cancelled(payment));
    expect(await bench.moves(payment)).toEqual(backAgain(payment));
  });

  bench.it('cancel unavailable once', 'says so, and a new key may succeed', async (payment) => {
    await bench.approve(payment);
    const whole = { amount: null, remainingBefore: payment.amount };
    const first = await bench.cancel(payment, whole);
    expect(first).toMatchObject({ kind: 'REFUSED', error: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(await bench.cancel(payment, whole)).toMatchObject(cancelled(payment));
    expect(await bench.moves(payment)).toEqual(backAgain(payment));
  });
}

/** A payment that was given back at once, whole. */
function cancelled({ pgOrderId, amount }: OpenedPayment) {
  return {
    kind: 'PAYMENT',
    state: 'CANCELLED',
    payment: {
      pgOrderId,
      amount,
      balanceAmount: 0n,
      cancels: [{ pgTransactionId: expect.any(String), amount, at: expect.stringMatching(/Z$/) }],
    },
  };
}

function backAgain({ amount }: OpenedPayment): [string, bigint][] {
  return [
    ['CAPTURE', amount],
    ['CANCEL', amount],
  ];
}

const NOT_FOUND = { kind: 'REFUSED', error: { code: 'NOT_FOUND' } };

function paid(payment: OpenedPayment) {
  return {
    kind: 'PAYMENT',
    state: 'PAID',
    payment: {
      pgOrderId: payment.pgOrderId,
      pgTransactionId: expect.any(String),
      amount: payment.amount,
      balanceAmount: payment.amount,
      currency: 'KRW',
      approvedAt: expect.stringMatching(/Z$/),
      failure: null,
      cancels: [],
    },
  };
}

function transactionOf(answer: PgAnswer): string | null {
  return answer.kind === 'PAYMENT' ? answer.payment.pgTransactionId : null;
}

/** One gateway and one stand-in, shared by the tests of a subject. */
class Bench {
  readonly subject: GatewaySubject;
  #gateway: Gateway | undefined;
  #stand: GatewayStand | undefined;

  constructor(subject: GatewaySubject) {
    this.subject = subject;
  }

  get gateway(): Gateway {
    if (!this.#gateway) throw new Error('the contract has not started');
    return this.#gateway;
  }

  get stand(): GatewayStand {
    if (!this.#stand) throw new Error('the contract has not started');
    return this.#stand;
  }

  async start(): Promise<void> {
    this.#stand = await this.subject.start();
    this.#gateway = this.subject.createGateway();
  }

  async stop(): Promise<void> {
    await this.#gateway?.close();
    await this.#stand?.close();
  }

  it(behaviour: Behaviour, fact: string, run: (payment: OpenedPayment) => Promise<void>): void {
    this.test(`a payment: ${behaviour}`, this.subject.behaviours[behaviour], fact, run);
  }

  test(
    thing: string,
    told: string | NotSupported,
    fact: string,
    run: (payment: OpenedPayment) => Promise<void>,
  ): void {
    if (told instanceof NotSupported) {
      it(`${thing}: NOT_SUPPORTED, ${told.reason}`, () => expect(told.reason).not.toBe(''));
      return;
    }
    it(`${thing}: ${fact}`, async () => run(await this.stand.open(told)));
  }

  open(behaviour: Behaviour, pgOrderId?: string): Promise<OpenedPayment> {
    const told = this.subject.behaviours[behaviour];
    if (told instanceof NotSupported) throw new Error(`${behaviour} is not supported`);
    return this.stand.open(told, pgOrderId);
  }

  call(idempotencyKey: string | null = null): GatewayCall {
    const { baseUrl, secret, readMs } = this.stand;
    return {
      account: { pgAccountId: 'contract', baseUrl, secret },
      idempotencyKey,
      timeouts: { connectMs: 5_000, readMs },
    };
  }

  approve(payment: OpenedPayment, key = randomUUID(), more: Partial<GatewayCall> = {}) {
    const { source, pgOrderId, amount } = payment;
    const request = { source, pgOrderId, amount, currency: 'KRW', taxFreeAmount: 0n };
    return this.gateway.approve(request, { ...this.call(key), ...more });
  }

  inquire(payment: OpenedPayment) {
    return this.gateway.inquire({ by: 'PAYMENT', pgPaymentId: this.idOf(payment) }, this.call());
  }

  cancel(
    payment: OpenedPayment,
    part: Pick<CancelRequest, 'amount' | 'remainingBefore'>,
    key = randomUUID(),
  ) {
    const about = { pgPaymentId: this.idOf(payment), reason: 'contract', currency: 'KRW' };
    return this.gateway.cancel({ ...about, ...part, taxFreeAmount: 0n }, this.call(key));
  }

  idOf(payment: OpenedPayment): string {
    const { pgPaymentId } = this.gateway.sourceOf(payment.source);
    if (pgPaymentId === null) throw new Error('the source names no payment');
    return pgPaymentId;
  }

  async moves(payment: OpenedPayment): Promise<[string, bigint][]> {
    const rows = await this.stand.ledger(payment.pgOrderId);
    return rows.map(({ kind, amount }) => [kind, amount]);
  }
}
