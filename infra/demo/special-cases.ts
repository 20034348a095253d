import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Checks } from './checks.ts';
import { paymentOf } from './clients.ts';
import { forEachAtOnce } from './concurrency.ts';
import type { Answer } from './http.ts';
import type { PlannedPayment, Shop } from './plan.ts';
import { type Market, makeSale, prepareBody, type Return, type Sale } from './sales.ts';

const AT_ONCE = 8;
const REPEAT_EVERY = 20;
const WAIT_SECONDS = 10;

/** What a merchant's server may do wrong, or twice, and what it gets for it. */
export async function tryRepeats(sales: readonly Sale[], checks: Checks): Promise<void> {
  const repeated = sales.filter((_, index) => index % REPEAT_EVERY === 0);
  const answers = await forEachAtOnce(repeated, AT_ONCE, async (sale) => ({
    sale,
    again: await sale.client.pay(sale.body, sale.idempotencyKey),
  }));
  const different = answers.filter(({ sale, again }) => !isReplayOf(sale.answer, again));
  checks.that(
    `${repeated.length} repeats with the same key and body get the first answer again`,
    different.length === 0,
    different.map(({ again }) => again.text),
  );
  const [first] = sales;
  if (first === undefined) return;
  const other = { ...first.body, amount: first.body.amount + 100 };
  const answer = await first.client.pay(other, first.idempotencyKey);
  checks.that(
    'the same key with another body is 422 IDEMPOTENCY_KEY_REUSED',
    isProblem(answer, 422, 'IDEMPOTENCY_KEY_REUSED'),
    answer.text,
  );
}

function isReplayOf(first: Answer, again: Answer): boolean {
  return (
    again.status === first.status &&
    again.headers.get('idempotent-replayed') === 'true' &&
    again.headers.get('location') === first.headers.get('location') &&
    isDeepStrictEqual(JSON.parse(again.text), JSON.parse(first.text))
  );
}

/** Two keys for one order at the same moment: one payment, and one that names it. */
export async function tryTwoKeys(market: Market, shop: Shop, checks: Checks): Promise<Sale> {
  const planned = special(shop, 'two-keys-0001', 27_900, 'approve');
  const client = market.clientOf(shop);
  const body = await prepareBody(market, planned);
  const keys = ['two-keys-first', 'two-keys-second'];
  const answers = await Promise.all(keys.map((key) => client.pay(body, key)));
  const taken = answers.findIndex(({ status }) => status === 202);
  const answer = answers[taken];
  const other = answers[1 - taken];
  if (answer === undefined) throw new Error(`neither was taken: ${answers.map((a) => a.text)}`);
  const paymentId = paymentOf(answer).id;
  checks.that(
    'of two keys for one order at the same moment one pays and one is 409 ORDER_ALREADY_ACTIVE',
    other !== undefined &&
      isProblem(other, 409, 'ORDER_ALREADY_ACTIVE') &&
      JSON.parse(other.text).paymentId === paymentId,
    other?.text,
  );
  return { ...planned, client, body, idempotencyKey: keys[taken] ?? '', paymentId, answer };
}

/** A request that waits for its outcome gets it as the answer. */
export async function tryWaiting(market: Market, shop: Shop, checks: Checks): Promise<Sale> {
  const planned = special(shop, 'waited-for-0001', 44_600, 'slow:300');
  const client = market.clientOf(shop);
  const body = await prepareBody(market, planned);
  const idempotencyKey = `pay-${planned.orderId}`;
  const answer = await client.pay(body, idempotencyKey, WAIT_SECONDS);
  const payment = paymentOf(answer);
  checks.that(
    `a request with "Prefer: wait=${WAIT_SECONDS}" is answered 201 with the payment APPROVED`,
    answer.status === 201 && payment.status === 'APPROVED',
    answer.text,
  );
  return { ...planned, client, body, idempotencyKey, paymentId: payment.id, answer };
}

/** The shopper sends something back: a part of the payment is cancelled, once. */
export async function returnPart(sale: Sale, amount: number, checks: Checks): Promise<Return> {
  const { client, paymentId } = sale;
  const cancel = () =>
    client.cancel(paymentId, { amount, reason: 'Sent back' }, `return-${paymentId}`, WAIT_SECONDS);
  const first = await cancel();
  checks.that(
    `a cancel of ${amount} won is answered 201 with the cancel DONE, and its repeat with the same`,
    first.status === 201 &&
      JSON.parse(first.text).status === 'DONE' &&
      isReplayOf(first, await cancel()),
    first.text,
  );
  const payment = await client.payment(paymentId);
  checks.that(
    `${sale.amount - amount} won are left of that payment, which is PARTIALLY_CANCELLED`,
    payment.balanceAmount === sale.amount - amount && payment.status === 'PARTIALLY_CANCELLED',
    payment,
  );
  return { sale, amount };
}

/** Captured, the answer lost on the way, and for some seconds the gateway knows nothing of it. */
export function loseAnAnswer(market: Market, shop: Shop): Promise<Sale> {
  return makeSale(market, special(shop, 'lost-answer-0001', 129_000, 'not-found-for:4000'));
}

/** To be called once the lost answer's payment has its outcome. */
export async function checkLostAnswer(lost: Sale, checks: Checks): Promise<void> {
  const steps = await lost.client.timeline(lost.paymentId);
  checks.that(
    'the payment whose answer was lost was resolved by inquiry',
    ['REQUESTED', 'UNKNOWN', 'INQUIRED', 'APPROVED'].every((step) => steps.includes(step)),
    steps,
  );
}

function special(shop: Shop, orderId: string, amount: number, scenario: string): PlannedPayment {
  return { shop, orderId, amount, scenario, end: 'APPROVED' };
}

const problemSchema = z.object({ code: z.string() });

function isProblem(answer: Answer, status: number, code: string): boolean {
  const problem = problemSchema.safeParse(JSON.parse(answer.text));
  return answer.status === status && problem.data?.code === code;
}
