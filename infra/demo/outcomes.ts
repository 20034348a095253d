import type { Checks } from './checks.ts';
import type { Payment } from './clients.ts';
import { forEachAtOnce, until } from './concurrency.ts';
import type { Return, Sale } from './sales.ts';

const AT_ONCE = 8;
const OUTCOME_TIMEOUT_MS = 90_000;
const SETTLED_TIMEOUT_MS = 60_000;

/** Waits until every payment has its outcome, and holds it to what was planned. */
export async function awaitOutcomes(
  sales: readonly Sale[],
  checks: Checks,
  onOutcome: () => void,
): Promise<void> {
  const ends = await forEachAtOnce(sales, AT_ONCE, async (sale) => {
    const isDecided = ({ status }: Payment): boolean => status !== 'REQUESTED';
    const payment = await awaitPayment(sale, OUTCOME_TIMEOUT_MS, 'an outcome', isDecided);
    onOutcome();
    return { sale, payment };
  });
  const wrong = ends.filter(({ sale, payment }) => !isAsPlanned(sale, payment));
  const declined = sales.filter(({ end }) => end === 'FAILED').length;
  checks.that(
    `${sales.length - declined} payments are APPROVED, ${declined} are FAILED with the code ` +
      'that the gateway gave',
    wrong.length === 0,
    wrong.map(({ payment }) => payment),
  );
}

function isAsPlanned(sale: Sale, payment: Payment): boolean {
  const isSame = payment.orderId === sale.orderId && payment.amount === sale.amount;
  if (sale.end === 'APPROVED') return isSame && payment.status === 'APPROVED';
  const declineCode = sale.scenario.replace('decline:', '');
  return isSame && payment.status === 'FAILED' && payment.failure?.pgCode === declineCode;
}

/** Waits until every approved payment of which nothing was returned is SETTLED. */
export async function awaitSettled(
  sales: readonly Sale[],
  returns: readonly Return[],
  checks: Checks,
): Promise<void> {
  const returned = new Set(returns.map(({ sale }) => sale));
  const approved = sales.filter((sale) => sale.end === 'APPROVED' && !returned.has(sale));
  await forEachAtOnce(approved, AT_ONCE, (sale) =>
    awaitPayment(sale, SETTLED_TIMEOUT_MS, 'SETTLED', ({ status }) => status === 'SETTLED'),
  );
  checks.that(`all ${approved.length} approved payments without a cancel are SETTLED`, true);
}

function awaitPayment(
  { client, paymentId, orderId }: Sale,
  timeoutMs: number,
  what: string,
  isThere: (payment: Payment) => boolean,
): Promise<Payment> {
  return until(`${what} of payment ${orderId}`, timeoutMs, async () => {
    const payment = await client.payment(paymentId);
    return isThere(payment) ? payment : undefined;
  });
}
