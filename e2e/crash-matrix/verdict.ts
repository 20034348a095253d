import { type AuditReport, audit, boundsOf } from '@mini-pg/auditor';
import { waitFor } from '@mini-pg/testing';
import { eachAtOnce } from '../support/load.ts';
import { capturesOf } from './gateway-ledger.ts';
import type { LivingSystem } from './living-system.ts';
import type { Order } from './traffic.ts';

/** What became of orders. */
export interface Verdict {
  readonly sent: number;
  /** Orders that were told of their payment. */
  readonly acknowledged: number;
  /** Payments that came to their end. */
  readonly resolved: number;
  readonly lost: readonly string[];
  readonly double: readonly string[];
  /** Answers that no right system gives, and rules of the auditor that a system at rest breaks. */
  readonly faults: readonly string[];
}

/** What became of one order. */
interface Finding {
  readonly resolved: number;
  readonly lost: readonly string[];
  readonly double: readonly string[];
  readonly faults: readonly string[];
}

export type Findings = ReadonlyMap<Order, Finding>;

const REST_TIMEOUT_MS = 60_000;
const CHECK_MS = 250;
const READS_AT_ONCE = 8;

const OPEN_PAYMENTS = `
  select asked.id from unnest($1::uuid[]) as asked (id)
  where exists (select from payment.cancel_open c where c.payment_id = asked.id)
    or not exists (select from payment.payment_fact f
                   where f.payment_id = asked.id and f.kind in ('APPROVED', 'FAILED'))
    and not (asked.id = any($2::uuid[]) and exists (
      select from processor.exception x
      where x.payment_id = asked.id and x.kind = 'OUTCOME_UNKNOWN' and x.resolved_at is null))`;

/** The payments of these orders that have no outcome yet. */
export async function openPayments(
  { admin }: LivingSystem,
  orders: readonly Order[],
): Promise<readonly string[]> {
  const ids = idsOf(orders);
  const known = idsOf(orders.filter(({ mayNeedPerson }) => mayNeedPerson));
  const { rows } = await admin.query<{ id: string }>(OPEN_PAYMENTS, [ids, known]);
  return rows.map(({ id }) => id);
}

/**
 * Waits, within a bound, until every payment has its outcome, and looks at each: what has none then
 * is lost, and so is what cannot be found.
 */
export async function inspect(
  living: LivingSystem,
  orders: readonly Order[],
  ledgerFrom: number,
): Promise<Findings> {
  const haveAllEnded = (): boolean => orders.every(({ endedAtMs }) => endedAtMs !== undefined);
  await waitFor(haveAllEnded, {
    what: 'every payment to have its end',
    timeoutMs: REST_TIMEOUT_MS,
    intervalMs: CHECK_MS,
  }).catch(() => undefined);
  const stillOpen = new Set(await openPayments(living, orders));
  const doubles = await findDoubles(living, orders);
  const captures = await capturesOf(living.system.simulator, ledgerFrom);
  const findings = await eachAtOnce(orders, READS_AT_ONCE, async (order) => {
    const open = await unfinished(living, order, stillOpen);
    const isRefusal = order.fault !== undefined && !order.wasRefusedAnswer;
    const finding: Finding = {
      resolved: order.ids.size - open.length,
      lost: [...open, ...(isRefusal ? [told(order)] : [])],
      double: [
        ...(order.ids.size > 1 ? [`${order.orderId} is ${[...order.ids].join(' and ')}`] : []),
        ...[...order.ids].flatMap((id) => doubles.get(id) ?? []),
        ...((captures.get(order.windowOrderId) ?? 0) > 1
          ? [
              `${order.orderId} (${order.kind}) was captured ${captures.get(order.windowOrderId)} times`,
            ]
          : []),
      ],
      faults: order.wasRefusedAnswer ? [told(order)] : [],
    };
    return [order, finding] as const;
  });
  return new Map(findings);
}

function idsOf(orders: readonly Order[]): string[] {
  return orders.flatMap((order) => [...order.ids]);
}

/** The verdict over some of the orders that were inspected. */
export function verdictOver(
  findings: Findings,
  orders: readonly Order[],
  more: readonly string[] = [],
): Verdict {
  const own = orders.flatMap((order) => findings.get(order) ?? []);
  return {
    sent: orders.length,
    acknowledged: orders.filter(({ ids }) => ids.size > 0).length,
    resolved: own.reduce((sum, { resolved }) => sum + resolved, 0),
    lost: own.flatMap(({ lost }) => lost),
    double: own.flatMap(({ double }) => double),
    faults: [...own.flatMap(({ faults }) => faults), ...more],
  };
}

function told({ orderId, kind, fault }: Order): string {
  return `${orderId} (${kind}): ${fault}`;
}

/** Payments that somebody was told of and that cannot be found, or are not at their end. */
async function unfinished(
  living: LivingSystem,
  order: Order,
  stillOpen: ReadonlySet<string>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const id of order.ids) {
    const found = await order.merchant.payment(id).catch((error: Error) => error);
    const isFound = !(found instanceof Error);
    if (isFound && !stillOpen.has(id)) continue;
    const state = isFound ? found.status : found.message;
    problems.push(`${order.orderId} (${order.kind}) ${id}: ${state}; ${await explain(living, id)}`);
  }
  return problems;
}

/** What is known of a payment that came to no end, for whoever mends it. */
async function explain({ admin }: LivingSystem, paymentId: string): Promise<string> {
  const { rows } = await admin.query<{ state: string }>(EXPLAIN, [paymentId]);
  return rows.map(({ state }) => state).join('; ') || 'no attempt';
}

const EXPLAIN = `
  select format(
    'attempt %s %s, %s inquiries, %s resends%s', a.number, a.state, a.inquiry_count,
    a.resend_count,
    (select string_agg(', ' || x.kind || ': ' || (x.detail ->> 'reason'), '')
     from processor.exception x where x.attempt_id = a.id)) as state
  from processor.attempt a where a.payment_id = $1 order by a.number`;

async function findDoubles(
  { admin }: LivingSystem,
  orders: readonly Order[],
): Promise<Map<string, string[]>> {
  const { rows } = await admin.query<{ id: string; what: string }>(DOUBLES, [idsOf(orders)]);
  const byPayment = Map.groupBy(rows, ({ id }) => id);
  return new Map([...byPayment].map(([id, found]) => [id, found.map(({ what }) => what)]));
}

/** Payments whose rows say that something happened twice. */
const DOUBLES = `
  select payment_id as id, format('%s has %s approved attempts', payment_id, count(*)) as what
  from processor.attempt
  where payment_id = any($1::uuid[]) and operation = 'APPROVE' and state = 'APPROVED'
  group by payment_id having count(*) > 1
  union all
  select (array_agg(p.id order by p.id))[1],
    format('%s has the payments %s', k.order_id, string_agg(p.id::text, ', '))
  from (select distinct merchant_id, livemode, order_id from payment.payment
        where id = any($1::uuid[])) k
  join payment.payment p using (merchant_id, livemode, order_id)
  group by k.merchant_id, k.livemode, k.order_id having count(*) > 1
  union all
  select payment_id, format('%s has %s items', payment_id, count(*))
  from settlement.settlement_item
  where payment_id = any($1::uuid[]) and kind = 'PAYMENT'
  group by payment_id having count(*) > 1
  union all
  select payment_id, format('%s has %s facts of money', payment_id, count(*))
  from settlement.fact
  where payment_id = any($1::uuid[]) and kind = 'PAYMENT'
  group by payment_id having count(*) > 1`;

/**
 * The rules that a system at rest breaks for good: nothing may be on its way any more. Where
 * something is lost there is no rest to wait for.
 */
export async function brokenRules(
  { system }: LivingSystem,
  verdict: Pick<Verdict, 'lost' | 'double'>,
): Promise<string[]> {
  let last: AuditReport | undefined;
  const options = {
    postgresUrl: system.postgres,
    simulatorUrl: system.simulator,
    bounds: boundsOf(0),
  };
  const isClean = async (): Promise<boolean> => {
    last = await audit(options);
    return last.clean;
  };
  const isAtRest = verdict.lost.length + verdict.double.length === 0;
  const timeoutMs = isAtRest ? REST_TIMEOUT_MS : 0;
  const bound = { what: 'a clean audit', timeoutMs, intervalMs: CHECK_MS };
  try {
    await waitFor(isClean, bound);
    return [];
  } catch (error) {
    if (last === undefined) throw error;
    return last.rules
      .filter(({ total }) => total > 0)
      .map(({ id, total, violations }) => `${id}: ${total}, ${JSON.stringify(violations[0])}`);
  }
}
