import { hashItems } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks, only } from '../../test/support/books.ts';
import { cancelled, completed, merchantUpdated, termsFrom } from '../../test/support/events.ts';
import { CLOSE_POINTS, type ClosePoint } from './context.ts';

/**
 * A close is killed at each of its points, at the first and the second time that it gets there. A
 * throw ends its session without a commit, which is what Postgres sees of a killed process.
 */
const D = '2026-03-13';
const AT = `${D}T03:00:00.000Z`;
const LARGE_COUNT = 1_203;
const BATCH_LINES_MAX = 400;

let books: Books;
let uninterrupted: Outcome;

beforeAll(async () => {
  books = await createBooks();
  await storeDay();
  await books.close(D, { batchLinesMax: BATCH_LINES_MAX });
  uninterrupted = await readOutcome();
});
afterAll(() => books.drop());
beforeEach(async () => {
  await books.clear();
  await storeDay();
});

class Killed extends Error {}

const kills = CLOSE_POINTS.flatMap((point) =>
  point.startsWith('batch') ? [1, 2, 3].map((time) => ({ point, time })) : [{ point, time: 1 }],
);

describe('a close that was killed', () => {
  it.each(kills)('at $point, time $time, gives the same when run again', async (kill) => {
    await expect(
      books.close(D, { batchLinesMax: BATCH_LINES_MAX, reach: killerAt(kill.point, kill.time) }),
    ).rejects.toThrow(Killed);

    await books.close(D, { batchLinesMax: BATCH_LINES_MAX });

    expect(await readOutcome()).toEqual(uninterrupted);
  });

  it('at every point, one after the other, gives the same', async () => {
    for (const { point } of kills) {
      await books
        .close(D, { batchLinesMax: BATCH_LINES_MAX, reach: killerAt(point, 1) })
        .catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
    }
    await books.close(D);
    expect(await readOutcome()).toEqual(uninterrupted);
    expect(await books.rows('select tries from settlement_run')).toEqual([{ tries: kills.length }]);
  });

  it('while it publishes keeps the same ids when parts are cut into other batches', async () => {
    await expect(
      books.close(D, { batchLinesMax: BATCH_LINES_MAX, reach: killerAt('batch-published', 2) }),
    ).rejects.toThrow(Killed);
    const before = await eventIds();
    await books.close(D);
    const after = await eventIds();
    expect(after.slice(0, before.length)).toEqual(before);
    expect(new Set(after).size).toBe(after.length);
  });

  it('blocks the close of an earlier day until it is finished', async () => {
    await expect(books.close(D, { reach: killerAt('itemized', 1) })).rejects.toThrow(Killed);
    await expect(books.close('2026-03-12')).rejects.toThrow(`the close of ${D} is not finished`);
    expect(await books.close('2026-03-14')).toMatchObject({
      days: [
        { date: D, tries: 2 },
        { date: '2026-03-14', tries: 1 },
      ],
    });
  });

  it('leaves what came in between to the next day once its items were made', async () => {
    await expect(books.close(D, { reach: killerAt('itemized', 1) })).rejects.toThrow(Killed);
    await books.store(completed({ merchantId: newId(), approvedAt: AT }));
    await books.close(D, { batchLinesMax: BATCH_LINES_MAX });
    expect(await readOutcome()).toEqual(uninterrupted);
    expect(await books.rows('select sale_date from fact_open')).toEqual([{ sale_date: D }]);
  });
});

function killerAt(point: ClosePoint, time: number): (reached: ClosePoint) => void {
  let times = 0;
  return (reached) => {
    if (reached === point) times += 1;
    if (times === time) throw new Killed(point);
  };
}

const ids = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(12, '0')}`);
const MERCHANTS = ids('019a0000-0000-7000-8000-', 4);
const LARGE_IDS = ids('019b0000-0000-7000-8000-', LARGE_COUNT);

/** A large merchant, small ones, a second currency, a cancel: the same ids each time. */
async function storeDay(): Promise<void> {
  await books.store(...MERCHANTS.map((id) => merchantUpdated(id, [termsFrom('2026-01-01')])));
  const [first = '', large = '', third = '', last = ''] = MERCHANTS;
  const payment = (merchantId: string, id: string, amount: number, currency: 'KRW' | 'USD') =>
    completed({ merchantId, attemptId: id, paymentId: id, amount, currency, approvedAt: AT });
  const [a = '', b = '', c = '', d = ''] = ids('019c0000-0000-7000-8000-', 4);
  const cancelledPayment = payment(third, c, 33_333, 'KRW');
  const cancel = cancelled(cancelledPayment, {
    remainingBefore: 33_333,
    remainingAfter: 22_222,
    cancelledAt: AT,
  });
  await books.store(
    payment(first, a, 50_000, 'KRW'),
    payment(first, b, 12_345, 'USD'),
    cancelledPayment,
    { ...cancel, data: { ...cancel.data, cancelId: '019d0000-0000-7000-8000-000000000000' } },
    payment(last, d, 1_000, 'KRW'),
    ...LARGE_IDS.map((id, n) => payment(large, id, 1_000 + n, 'KRW')),
  );
}

interface Outcome {
  readonly items: unknown;
  readonly statements: unknown;
  readonly control: unknown;
  readonly events: readonly string[];
}

/** What a close leaves, without the ids and times that are made anew each time. */
async function readOutcome(): Promise<Outcome> {
  const statements = await books.rows<{ id: string }>(
    'select * from settlement order by merchant_id, currency',
  );
  const events = await books.outbox();
  const parts = only(events, 'settlement.items');
  for (const { data } of only(events, 'settlement.closed')) {
    const own = parts.filter((part) => part.data.settlementId === data.settlementId);
    expect(hashItems(own.flatMap((part) => part.data.items))).toBe(data.itemsHash);
  }
  return {
    items: (await books.rows('select * from settlement_item order by id')).map(withoutOwn),
    statements: statements.map(withoutOwn),
    control: (await books.rows('select * from settlement_control order by stage, currency')).map(
      withoutOwn,
    ),
    events: events.map(nameOf).sort(),
  };
}

const OWN = ['run_id', 'published_at'];

function withoutOwn(row: object): object {
  const kept = Object.entries(row).filter(
    ([name]) => !OWN.includes(name) && !('date' in row && name === 'id'),
  );
  return Object.fromEntries(kept);
}

function nameOf(event: Awaited<ReturnType<Books['outbox']>>[number]): string {
  const { type, data } = event as { type: string; data: object };
  const known = Object.entries(data).filter(
    ([name]) => !['settlementId', 'runId', 'settledAt', 'closedAt'].includes(name),
  );
  return JSON.stringify([type, Object.fromEntries(known)]);
}

async function eventIds(): Promise<string[]> {
  const rows = await books.rows<{ event_id: string }>('select event_id from outbox order by seq');
  return rows.map((row) => row.event_id);
}
