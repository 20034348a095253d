import type { PostgresSession } from '@mini-pg/database';
import { insertOutbox } from '@mini-pg/messaging';
import type { CloseContext } from './context.ts';
import { cutParts, type Line, type Part, type Statement } from './parts.ts';
import { type LineRange, publishSettled } from './publish-settled.ts';
import { lockRun, type Run } from './run.ts';
import { transact } from './session.ts';
import { closedEvent, itemsEvent } from './statement-events.ts';

/** Statements read at once; what bounds the memory is the page of lines. */
const STATEMENTS_MAX = 500;
const LINES_PAGE = 5_000;
/** Many small statements have few lines each; a transaction ends after this many parts as well. */
const BATCH_PARTS_MAX = 1_000;

const READ_STATEMENTS = {
  name: 'read-unpublished-statements',
  text: `
    select id, merchant_id as "merchantId", livemode, currency, date, count, gross, fee, vat, net,
      carry_in as "carryIn", payout, carry_out as "carryOut", payout_date as "payoutDate",
      parts_published as "partsPublished"
    from settlement
    where run_id = $1 and (merchant_id, currency) > ($2, $3) and published_at is null
    order by merchant_id, currency
    limit ${STATEMENTS_MAX}`,
};

const READ_LINES = {
  name: 'read-lines',
  text: `
    select id, kind, payment_id as "paymentId", merchant_id as "merchantId", order_id as "orderId",
      currency, sale_date as "saleDate", amount, fee, vat, net
    from settlement_item
    where run_id = $1 and (merchant_id, currency, id) > ($2, $3, $4)
      and (merchant_id, currency) <= ($5, $6)
    order by merchant_id, currency, id
    limit ${LINES_PAGE}`,
};

const RECORD_PARTS = {
  name: 'record-parts',
  text: `
    update settlement
    set parts_published = done.parts, items_hash = done.hash,
      published_at = case when done.hash is not null then clock_timestamp() end
    from unnest($1::uuid[], $2::int[], $3::text[]) as done (id, parts, hash)
    where settlement.id = done.id`,
};

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Writes the events of a run to the outbox: the lines of each statement in parts, what they mean
 * for each payment, and the statement with its last part. Each batch records in its own transaction
 * how many parts are out, so a run that was interrupted goes on where it stopped.
 */
export async function publishRun(context: CloseContext, run: Run): Promise<void> {
  // The rows are minutes old. A planner that takes them for few sorts all of them for each page.
  await context.session.query('analyze settlement_item, settlement');
  let after = { merchantId: FIRST_ID, currency: '' };
  for (;;) {
    const { rows: statements } = await context.session.query<Statement>({
      ...READ_STATEMENTS,
      values: [run.id, after.merchantId, after.currency],
    });
    const last = statements.at(-1);
    if (last === undefined) return;
    await publishStatements(context, run, statements);
    after = last;
  }
}

async function publishStatements(
  context: CloseContext,
  run: Run,
  statements: readonly Statement[],
): Promise<void> {
  let batch: Part[] = [];
  let lines = 0;
  for await (const part of cutParts(statements, readLines(context.session, run, statements))) {
    batch.push(part);
    lines += part.items.length;
    if (lines >= context.batchLinesMax || batch.length >= BATCH_PARTS_MAX) {
      await publishBatch(context, run, batch);
      batch = [];
      lines = 0;
    }
  }
  if (batch.length > 0) await publishBatch(context, run, batch);
}

async function publishBatch(
  { session, reach }: CloseContext,
  run: Run,
  batch: readonly Part[],
): Promise<void> {
  const time = closedAtOf(run);
  await transact(session, 'read committed', async () => {
    await lockRun(session, run);
    await insertOutbox(
      session,
      batch.map((part) => itemsEvent(part, time)),
    );
    await publishSettled(session, run, time, rangeOf(batch));
    await insertOutbox(
      session,
      batch.flatMap(({ statement, itemsHash }) =>
        itemsHash === null ? [] : [closedEvent(statement, itemsHash, run, time)],
      ),
    );
    await recordParts(session, batch);
    await reach('batch-written');
  });
  await reach('batch-published');
}

/** A statement may have several parts in a batch; the last of them says how far it is. */
async function recordParts(session: PostgresSession, batch: readonly Part[]): Promise<void> {
  const parts = [...new Map(batch.map((part) => [part.statement.id, part])).values()];
  await session.query({
    ...RECORD_PARTS,
    values: [
      parts.map((part) => part.statement.id),
      parts.map((part) => part.part),
      parts.map((part) => part.itemsHash),
    ],
  });
}

function rangeOf(batch: readonly Part[]): LineRange {
  const first = batch.at(0);
  const last = batch.at(-1);
  const [from, to] = [first?.items.at(0), last?.items.at(-1)];
  if (!first || !last || !from || !to) throw new Error('a batch without lines');
  return {
    from: { ...keyOf(first), id: from.id },
    to: { ...keyOf(last), id: to.id },
  };
}

function keyOf({ statement: { merchantId, currency } }: Part) {
  return { merchantId, currency };
}

/** Events carry the moment from which the statements are final, so a second try says the same. */
function closedAtOf({ closedAt, date }: Run): string {
  if (closedAt === null) throw new Error(`the totals of ${date} did not agree yet`);
  return closedAt.toISOString();
}

/** The lines of neighbouring statements in the order of merchant, currency and id. */
async function* readLines(
  session: PostgresSession,
  run: Run,
  statements: readonly Statement[],
): AsyncGenerator<Line> {
  const [first] = statements;
  const last = statements.at(-1);
  if (first === undefined || last === undefined) return;
  let after = { merchantId: first.merchantId, currency: first.currency, id: FIRST_ID };
  for (;;) {
    const { rows } = await session.query<Line>({
      ...READ_LINES,
      values: [run.id, after.merchantId, after.currency, after.id, last.merchantId, last.currency],
    });
    yield* rows;
    const lastLine = rows.at(-1);
    if (lastLine === undefined || rows.length < LINES_PAGE) return;
    after = lastLine;
  }
}
