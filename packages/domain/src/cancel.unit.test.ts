import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CancellablePayment,
  type CancelRequest,
  type CancelState,
  cancelableOf,
  decideCancelRequest,
  reserveOf,
} from './cancel.ts';
import { evolve, type PaymentFact, type PaymentState, requestedPayment } from './payment.ts';

const AMOUNT = 10_000n;
const requested = requestedPayment(AMOUNT);
const approvedFact: PaymentFact = { type: 'approved', amount: AMOUNT };
const approved = evolve(requested, approvedFact);
const failed = evolve(requested, { type: 'failed' });
const settled = evolve(approved, { type: 'settled' });
const remaining = (state: PaymentState, remainingAfter: bigint) =>
  evolve(state, { type: 'cancelled', approvedAmount: AMOUNT, remainingAfter });

const open = (amount: bigint, taxFreeAmount = 0n): CancelState => ({
  status: 'REQUESTED',
  amount,
  taxFreeAmount,
});
const done = (amount: bigint, taxFreeAmount = 0n): CancelState => ({
  ...open(amount, taxFreeAmount),
  status: 'DONE',
});
const refused = (amount: bigint): CancelState => ({ ...open(amount), status: 'FAILED' });

const payment = (
  state: PaymentState,
  cancels: readonly CancelState[] = [],
  taxFreeAmount = 0n,
): CancellablePayment => ({ state, taxFreeAmount, cancels });

const asking = (request: Partial<CancelRequest> = {}): CancelRequest => ({
  amount: null,
  taxFreeAmount: null,
  expectedBalance: null,
  ...request,
});

describe('what a new cancel may take', () => {
  it.each<[string, CancellablePayment, bigint]>([
    ['all of an approved payment', payment(approved), 10_000n],
    ['all of a settled payment', payment(settled), 10_000n],
    [
      'the balance less the open cancels',
      payment(remaining(approved, 7_000n), [done(3_000n), open(2_000n)]),
      5_000n,
    ],
    ['nothing once all is being cancelled', payment(approved, [open(10_000n)]), 0n],
    ['what a failed cancel gave back', payment(approved, [refused(4_000n)]), 10_000n],
    [
      "the PG's remainder, though only one of its cancels is known",
      payment(remaining(approved, 5_000n), [done(2_000n), open(1_000n)]),
      4_000n,
    ],
    [
      'never less than nothing',
      payment(remaining(approved, 1_000n), [done(9_000n), open(4_000n)]),
      0n,
    ],
  ])('is %s', (_what, given, amount) => {
    expect(cancelableOf(given).amount).toBe(amount);
    expect(reserveOf(given).amount).toBe(AMOUNT - amount);
  });

  it('keeps the reserve of a cancel that came before the approval', () => {
    expect(reserveOf(payment(failed, [done(10_000n, 0n)])).amount).toBe(AMOUNT);
  });

  it('is free of tax for no more than it is', () => {
    const cancelledAtPg = payment(remaining(approved, 5_000n), [done(5_000n)], 6_000n);
    expect(cancelableOf(cancelledAtPg)).toEqual({ amount: 5_000n, taxFreeAmount: 5_000n });
  });
});

describe('a cancel that is taken', () => {
  it.each<[string, CancellablePayment, Partial<CancelRequest>, bigint, bigint]>([
    ['without an amount takes all', payment(approved), {}, 10_000n, 0n],
    ['of an amount takes that', payment(approved), { amount: 1n }, 1n, 0n],
    ['without an amount takes all that is left', payment(approved, [open(4_000n)]), {}, 6_000n, 0n],
    ['of a payment without an outcome takes the whole', payment(requested), {}, 10_000n, 0n],
    ['may name the whole', payment(requested), { amount: 10_000n }, 10_000n, 0n],
    [
      'in full takes the tax-free part that is left',
      payment(approved, [open(1_000n, 500n)], 3_000n),
      {},
      9_000n,
      2_500n,
    ],
    [
      'of exactly what is left takes that part too',
      payment(approved, [open(1_000n, 500n)], 3_000n),
      { amount: 9_000n },
      9_000n,
      2_500n,
    ],
    [
      'in part takes no tax-free part by itself',
      payment(approved, [], 3_000n),
      { amount: 7_000n },
      7_000n,
      0n,
    ],
    [
      'in part takes the tax-free part that it names',
      payment(approved, [], 3_000n),
      { amount: 7_000n, taxFreeAmount: 3_000n },
      7_000n,
      3_000n,
    ],
    [
      'may expect the balance less the open cancels',
      payment(approved, [open(4_000n)]),
      { amount: 5n, expectedBalance: 6_000n },
      5n,
      0n,
    ],
  ])('%s', (_what, given, request, amount, taxFreeAmount) => {
    expect(decideCancelRequest(given, asking(request))).toEqual({
      ok: true,
      cancel: { amount, taxFreeAmount },
    });
  });
});

describe('a cancel that is refused', () => {
  it.each<[string, CancellablePayment, Partial<CancelRequest>, object]>([
    ['of a failed payment', payment(failed), {}, { reason: 'PAYMENT_NOT_CANCELABLE' }],
    [
      'of a cancelled payment',
      payment(remaining(approved, 0n), [done(10_000n)]),
      {},
      { reason: 'PAYMENT_NOT_CANCELABLE' },
    ],
    [
      'of a payment of which all is being cancelled',
      payment(approved, [open(10_000n)]),
      { amount: 1n },
      { reason: 'PAYMENT_NOT_CANCELABLE' },
    ],
    [
      'a second time before the outcome',
      payment(requested, [open(10_000n)]),
      {},
      { reason: 'PAYMENT_NOT_CANCELABLE' },
    ],
    [
      'in part before the outcome',
      payment(requested),
      { amount: 9_999n },
      { reason: 'PAYMENT_NOT_APPROVED' },
    ],
    [
      'above the whole before the outcome',
      payment(requested),
      { amount: 10_001n },
      { reason: 'AMOUNT_EXCEEDS_BALANCE', cancelable: 10_000n },
    ],
    [
      'whose balance is another',
      payment(approved, [open(1n)]),
      { expectedBalance: 10_000n },
      { reason: 'BALANCE_CHANGED', cancelable: 9_999n },
    ],
    [
      'above what is left',
      payment(approved, [open(1n)]),
      { amount: 10_000n },
      { reason: 'AMOUNT_EXCEEDS_BALANCE', cancelable: 9_999n },
    ],
    [
      'above the tax-free part that is left',
      payment(approved, [open(1_000n, 500n)], 3_000n),
      { amount: 5_000n, taxFreeAmount: 2_501n },
      { reason: 'TAX_FREE_OUT_OF_BOUNDS', least: 0n, most: 2_500n, cancelable: 9_000n },
    ],
    [
      'above the taxed part that is left',
      payment(approved, [], 6_000n),
      { amount: 5_000n },
      { reason: 'TAX_FREE_OUT_OF_BOUNDS', least: 1_000n, most: 5_000n, cancelable: 10_000n },
    ],
    [
      'in full without all that is free of tax',
      payment(approved, [], 6_000n),
      { taxFreeAmount: 5_999n },
      { reason: 'TAX_FREE_OUT_OF_BOUNDS', least: 6_000n, most: 6_000n, cancelable: 10_000n },
    ],
  ])('%s', (_what, given, request, refusal) => {
    expect(decideCancelRequest(given, asking(request))).toEqual({ ok: false, refusal });
  });

  it.each<[string, CancellablePayment, Partial<CancelRequest>, string]>([
    [
      'its state before the balance expected',
      payment(failed),
      { expectedBalance: 1n },
      'PAYMENT_NOT_CANCELABLE',
    ],
    [
      'a part too early before the balance expected',
      payment(requested),
      { amount: 1n, expectedBalance: 1n },
      'PAYMENT_NOT_APPROVED',
    ],
    [
      'the balance expected before the amount',
      payment(approved),
      { amount: 10_001n, expectedBalance: 1n },
      'BALANCE_CHANGED',
    ],
    [
      'the amount before its tax-free part',
      payment(approved),
      { amount: 10_001n, taxFreeAmount: 1n },
      'AMOUNT_EXCEEDS_BALANCE',
    ],
  ])('names %s', (_what, given, request, reason) => {
    expect(decideCancelRequest(given, asking(request))).toMatchObject({
      ok: false,
      refusal: { reason },
    });
  });

  it('is never asked for nothing or less: that is no request', () => {
    expect(() => decideCancelRequest(payment(approved), asking({ amount: 0n }))).toThrow(
      RangeError,
    );
  });
});

/** One thing that happens: a cancel is asked for, or the first open one gets its outcome. */
type Happening =
  | { readonly ask: { readonly amount: bigint; readonly taxFreeAmount: bigint } }
  | { readonly outcome: 'DONE' | 'FAILED' };

const happenings = fc.array(
  fc.oneof(
    fc.record({
      ask: fc
        .record({ amount: fc.bigInt(1n, 6_000n), taxFreeAmount: fc.bigInt(0n, 2_000n) })
        .filter(({ amount, taxFreeAmount }) => taxFreeAmount <= amount),
    }),
    fc.record({ outcome: fc.constantFrom('DONE' as const, 'FAILED' as const) }),
  ),
  { maxLength: 30 },
);

function happen(before: CancellablePayment, happening: Happening): CancellablePayment {
  if ('ask' in happening) {
    const decision = decideCancelRequest(before, asking(happening.ask));
    if (!decision.ok) return before;
    const { amount, taxFreeAmount } = decision.cancel;
    return { ...before, cancels: [...before.cancels, open(amount, taxFreeAmount)] };
  }
  const index = before.cancels.findIndex((cancel) => cancel.status === 'REQUESTED');
  const cancel = before.cancels[index];
  if (cancel === undefined) return before;
  const cancels = before.cancels.with(index, { ...cancel, status: happening.outcome });
  if (happening.outcome === 'FAILED') return { ...before, cancels };
  const left = before.state.remaining ?? before.state.amount;
  return { ...before, cancels, state: remaining(before.state, left - cancel.amount) };
}

const sum = (cancels: readonly CancelState[], part: 'amount' | 'taxFreeAmount') =>
  cancels.filter((c) => c.status !== 'FAILED').reduce((total, c) => total + c[part], 0n);

describe('the reserve', () => {
  it('is the sum of the cancels that did not fail, within what was paid, whatever happens', () => {
    fc.assert(
      fc.property(happenings, fc.bigInt(0n, AMOUNT), (list, taxFreeAmount) => {
        let now = payment(approved, [], taxFreeAmount);
        for (const happening of list) {
          now = happen(now, happening);
          const reserve = reserveOf(now);
          expect(reserve.amount).toBe(sum(now.cancels, 'amount'));
          expect(reserve.taxFreeAmount).toBe(sum(now.cancels, 'taxFreeAmount'));
          expect(reserve.amount).toBeLessThanOrEqual(AMOUNT);
          const left = cancelableOf(now);
          expect(left.taxFreeAmount).toBeLessThanOrEqual(left.amount);
        }
      }),
    );
  });

  it('is never less than what was taken, in whatever order the outcomes are heard of', () => {
    fc.assert(
      fc.property(
        happenings.chain((list) => {
          const end = list.reduce(happen, payment(approved));
          return fc.tuple(fc.constant(end), fc.shuffledSubarray([...end.cancels.keys()]));
        }),
        ([end, heard]) => {
          const facts = remainders(end.cancels);
          const known = {
            ...end,
            cancels: end.cancels.map((c, i) => (heard.includes(i) ? c : open(c.amount))),
            state: heard.reduce((s, i) => {
              const left = facts[i];
              return left === undefined ? s : remaining(s, left);
            }, approved),
          };
          expect(reserveOf(known).amount).toBeGreaterThanOrEqual(reserveOf(end).amount);
          expect(reserveOf(known).amount).toBeLessThanOrEqual(AMOUNT);
        },
      ),
    );
  });
});

/** What the PG says to remain after each cancel that was done; undefined for the others. */
function remainders(cancels: readonly CancelState[]): (bigint | undefined)[] {
  let left = AMOUNT;
  return cancels.map((cancel) => {
    if (cancel.status !== 'DONE') return undefined;
    left -= cancel.amount;
    return left;
  });
}
