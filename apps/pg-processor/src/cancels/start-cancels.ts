import { inTransaction, isTransient, type PostgresPool } from '@mini-pg/database';
import { failpoint, type Logger } from '@mini-pg/runtime';
import type { ProcessorMetrics } from '../metrics.ts';
import type { Plan, PlanContext } from '../results/plan.ts';
import { readLocked } from '../results/read-locked.ts';
import { writePlans } from '../results/write-plans.ts';
import { planCancels } from './plan-cancels.ts';

export interface StartCancelsOptions {
  readonly pool: PostgresPool;
  readonly context: Omit<PlanContext, 'now'> & { readonly now: () => Date };
  readonly metrics: ProcessorMetrics;
  readonly logger: Logger;
  /** Called after a commit: there are events to publish, attempts to call, or both. */
  readonly onStarted: () => void;
}

/** Cancels that one round looks at; the next follows at once while there is more. */
const ROUND_MAX = 200;

/**
 * Waiting cancels with something to do: the payment is not called yet, or it has its outcome and no
 * other cancel of it runs. Each look is an index probe; the scan ends with the first that suffice.
 */
const READ_DUE = {
  name: 'read-due-cancels',
  text: `
    select c.payment_id as "paymentId" from cancel c
    where c.state = 'WAITING'
      and (select s.id from cancel s
        where s.payment_id = c.payment_id and s.state = 'STARTED' limit 1) is null
      and ((select o.payment_id from outcome o where o.payment_id = c.payment_id limit 1) is not null
        or (select a.id from attempt a
          where a.payment_id = c.payment_id and a.operation = 'APPROVE' and a.state = 'READY'
          limit 1) is not null)
    order by c.requested_at, c.id limit $1`,
};

/**
 * Lets waiting cancels do what their payment allows by now, each payment under its lock. What the
 * dispatcher claims at the same moment is decided by the lock on the attempt. Returns how many
 * payments were moved.
 */
export async function startCancels(options: StartCancelsOptions): Promise<number> {
  const { rows } = await options.pool.query<{ paymentId: string }>({
    ...READ_DUE,
    values: [ROUND_MAX],
  });
  const paymentIds = [...new Set(rows.map(({ paymentId }) => paymentId))];
  if (paymentIds.length === 0) return 0;
  return (await planAll(options, paymentIds)).filter(isMoved).length;
}

/** One payment that cannot be written does not hold up the others. */
async function planAll(
  options: StartCancelsOptions,
  paymentIds: readonly string[],
): Promise<readonly Plan[]> {
  try {
    return await planOnce(options, paymentIds);
  } catch (error) {
    if (isTransient(error)) throw error;
    if (paymentIds.length === 1) {
      options.logger.error({ err: error, paymentId: paymentIds[0] }, 'a cancel cannot be started');
      return [];
    }
  }
  const plans: Plan[] = [];
  for (const paymentId of paymentIds) plans.push(...(await planAll(options, [paymentId])));
  return plans;
}

async function planOnce(
  options: StartCancelsOptions,
  paymentIds: readonly string[],
): Promise<readonly Plan[]> {
  const { newId, firstFollowUpMs, now } = options.context;
  const context = { newId, firstFollowUpMs, now: now() };
  const plans = await inTransaction(options.pool, async (client) => {
    const payments = await readLocked(client, paymentIds, { withCancels: true });
    const planned = [...payments.values()].map((payment) => planCancels(payment, context));
    await writePlans(client, planned);
    failpoint('pg-processor.cancel-start.before-commit');
    return planned;
  });
  failpoint('pg-processor.cancel-start.after-commit');
  for (const { cancels } of plans) {
    for (const { state } of cancels) options.metrics.cancels.inc({ state });
  }
  if (plans.some(isMoved)) options.onStarted();
  return plans;
}

function isMoved({ cancels }: Plan): boolean {
  return cancels.length > 0;
}
