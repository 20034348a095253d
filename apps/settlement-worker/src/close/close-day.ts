import { checkTotals } from './check-totals.ts';
import type { CloseContext } from './context.ts';
import { makeItems } from './make-items.ts';
import { makeStatements } from './make-statements.ts';
import { publishRun } from './publish-run.ts';
import { findRun, lockRun, type Run, type RunStatus, startRun } from './run.ts';
import { transact } from './session.ts';

/** What comes next, by how far a run has come. */
const STEPS: Record<
  Exclude<RunStatus, 'CLOSED'>,
  (context: CloseContext, run: Run) => Promise<void>
> = {
  STARTED: makeItems,
  ITEMIZED: makeStatements,
  STATED: checkTotals,
  FAILED: checkTotals,
  AGREED: publishAndEnd,
};

/**
 * Closes one business day, or goes on with a close that was interrupted. Each step is one
 * transaction that moves the run on, so wherever a process dies a second try gives the same rows.
 *
 * @throws ControlTotalsError when facts, items and statements differ: nothing is published then.
 */
export async function closeDay(
  context: CloseContext,
  date: string,
  requestedBy: string,
): Promise<Run> {
  let run = await startRun(context.session, date, requestedBy);
  await context.reach('run-started');
  while (run.status !== 'CLOSED') {
    const before = run.status;
    await STEPS[run.status](context, run);
    run = await findRun(context.session, date);
    if (run.status === before) throw new Error(`the close of ${date} stays ${before}`);
  }
  return run;
}

async function publishAndEnd(context: CloseContext, run: Run): Promise<void> {
  const { session, reach } = context;
  await publishRun(context, run);
  await transact(session, 'read committed', async () => {
    await lockRun(session, run);
    await session.query(
      `update settlement_run set status = 'CLOSED', finished_at = clock_timestamp()
       where id = $1 and not exists (
         select from settlement where run_id = $1 and published_at is null
       )`,
      [run.id],
    );
    await reach('end-written');
  });
  await reach('closed');
}
