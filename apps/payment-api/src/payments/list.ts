import { type Kysely, type PostgresPool, sql } from '@mini-pg/database';
import { PAYMENT_STATUSES, type PaymentStatus } from '@mini-pg/domain';
import { ProblemError } from '@mini-pg/runtime';
import { z } from 'zod';
import type { PaymentDatabase } from '../db/schema.ts';
import { createCursorCodec } from '../http/cursor.ts';
import { instantSchema, pageQueryShape } from '../http/schemas.ts';
import type { Principal } from '../principal.ts';
import { readPayments } from './repository.ts';
import { type PaymentView, renderPayment } from './view.ts';

export const listPaymentsSchema = z.strictObject({
  orderId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{6,64}$/, 'must be 6 to 64 of A-Z a-z 0-9 _ -')
    .optional()
    .meta({ examples: ['order-20260331-0001'] }),
  status: z
    .enum(PAYMENT_STATUSES)
    .optional()
    .meta({ examples: ['APPROVED'] }),
  from: instantSchema.optional().meta({ description: 'By `requestedAt`, inclusive.' }),
  to: instantSchema.optional().meta({ description: 'By `requestedAt`, exclusive.' }),
  ...pageQueryShape,
});

export type ListPayments = z.output<typeof listPaymentsSchema>;

export interface PaymentPage {
  readonly data: PaymentView[];
  readonly nextCursor: string | null;
}

/**
 * How many payments a call looks at when it filters by status: a few first, since most are of a
 * common status, then many. A page of a rare status may so hold fewer than `limit`, or none, and
 * still have a `nextCursor`.
 */
const SCANNED_MAX = [500, 20_000] as const;
const YEAR_9999_US = 253_402_300_800_000_000;

/** `requested_at` in microseconds, which is what Postgres keeps, and the id. */
const cursors = createCursorCodec(
  'payments',
  z.tuple([
    z
      .string()
      .regex(/^\d{1,18}$/)
      .refine(isInstant),
    z.uuid(),
  ]),
);

function isInstant(microseconds: string): boolean {
  return Number(microseconds) < YEAR_9999_US;
}

/**
 * The payments of a merchant in one mode, newest first.
 *
 * @throws ProblemError VALIDATION_FAILED, INVALID_CURSOR
 */
export async function listPayments(
  deps: { readonly pool: PostgresPool; readonly database: Kysely<PaymentDatabase> },
  principal: Principal,
  query: ListPayments,
): Promise<PaymentPage> {
  if (query.from !== undefined && query.to !== undefined) assertOrder(query.from, query.to);
  const after = query.cursor === undefined ? null : cursors.decode(query.cursor);
  const found = await find(deps.database, principal, query, after);
  const payments = await readPayments(
    deps.pool,
    found.page.map(({ id }) => id),
  );
  const views = new Map(payments.map((p) => [p.id, renderPayment(p, p.facts)]));
  return {
    data: found.page.flatMap(({ id }) => {
      const view = views.get(id);
      // Its status may have moved on since it was found.
      const wanted = query.status === undefined || view?.status === query.status;
      return view !== undefined && wanted ? [view] : [];
    }),
    nextCursor: found.end && cursors.encode([String(found.end.atUs), found.end.id]),
  };
}

interface Position {
  readonly atUs: bigint;
  readonly id: string;
}

interface Found {
  readonly page: readonly Position[];
  /** Where the next page goes on; null when that was all. */
  readonly end: Position | null;
}

async function find(
  database: Kysely<PaymentDatabase>,
  principal: Principal,
  query: ListPayments,
  after: readonly [string, string] | null,
): Promise<Found> {
  const wanted = query.limit + 1;
  const bounds = query.status === undefined ? [wanted] : SCANNED_MAX;
  let found: Found = { page: [], end: null };
  for (const scannedMax of bounds) {
    const rows = await scan(database, principal, query, after, scannedMax);
    const all = rows.flatMap(({ id, at_us: atUs }) => (id && atUs !== null ? [{ id, atUs }] : []));
    const page = all.slice(0, query.limit);
    if (all.length === wanted) return { page, end: page.at(-1) ?? null };
    const [first] = rows;
    if (first === undefined || first.scanned < BigInt(scannedMax)) return { page, end: null };
    found = { page, end: { atUs: first.scan_end_us, id: first.scan_end_id } };
  }
  return found;
}

function assertOrder(from: string, to: string): void {
  if (Date.parse(from) <= Date.parse(to)) return;
  throw new ProblemError('VALIDATION_FAILED', {
    errors: [{ pointer: 'from', message: 'must not be after to' }],
  });
}

/** A payment of the page; without one a single row that only tells how far the scan came. */
interface ScannedRow {
  readonly id: string | null;
  readonly at_us: bigint | null;
  readonly scanned: bigint;
  readonly scan_end_us: bigint;
  readonly scan_end_id: string;
}

async function scan(
  database: Kysely<PaymentDatabase>,
  principal: Principal,
  query: ListPayments,
  after: readonly [string, string] | null,
  scannedMax: number,
): Promise<ScannedRow[]> {
  const { orderId, status, from, to, limit } = query;
  const open = sql`and p.id in (select payment_id from payment_open)`;
  const older = after && sql`and (p.requested_at, p.id) < (${instantOf(after[0])}, ${after[1]})`;
  const { rows } = await sql<ScannedRow>`
    with scanned as materialized (
      select p.id, (extract(epoch from p.requested_at) * 1000000)::bigint as at_us
      from payment p
      where p.merchant_id = ${principal.merchantId} and p.livemode = ${principal.livemode}
        ${orderId === undefined ? sql`` : sql`and p.order_id = ${orderId}`}
        ${from === undefined ? sql`` : sql`and p.requested_at >= ${from}`}
        ${to === undefined ? sql`` : sql`and p.requested_at < ${to}`}
        ${older ?? sql``}
        ${status === 'REQUESTED' ? open : sql``}
      order by p.requested_at desc, p.id desc
      limit ${scannedMax}
    ), page as (
      select id, at_us from scanned
      ${status === undefined ? sql`` : hasStatus(status)}
      order by at_us desc, id desc
      limit ${limit + 1}
    ), scan as (
      select at_us as scan_end_us, id as scan_end_id, (select count(*) from scanned) as scanned
      from scanned order by at_us, id limit 1
    )
    select page.id, page.at_us, scan.* from scan left join page on true
    order by page.at_us desc, page.id desc`.execute(database);
  return rows;
}

function instantOf(microseconds: string) {
  return sql`timestamptz 'epoch' + ${microseconds}::bigint * interval '1 microsecond'`;
}

/** `statusOf` of the domain, in SQL. */
function hasStatus(status: PaymentStatus) {
  return sql`
    cross join lateral (
      select bool_or(f.kind = 'FAILED') as failed,
             bool_or(f.kind in ('APPROVED', 'CANCELLED')) as charged,
             min((f.data ->> 'remainingAfter')::bigint)
               filter (where f.kind = 'CANCELLED') as remaining,
             bool_or(f.kind = 'SETTLED') as settled
      from payment_fact f where f.payment_id = scanned.id
    ) as facts
    where case
      when failed then 'FAILED'
      when charged is not true then 'REQUESTED'
      when remaining = 0 then 'CANCELLED'
      when remaining is not null then 'PARTIALLY_CANCELLED'
      when settled then 'SETTLED'
      else 'APPROVED'
    end = ${status}`;
}
