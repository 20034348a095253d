import { hashItems } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Books, createBooks, only } from './support/books.ts';
import { startClose } from './support/close-process.ts';
import { completed, merchantUpdated, termsFrom } from './support/events.ts';
import { createSite, type Site } from './support/site.ts';

/**
 * The command is killed with SIGKILL as soon as the books show that it came so far, again and
 * again, and run to its end at last. No relay runs, so the outbox keeps every event ever written.
 */
const DAY = '2026-03-13';
const MERCHANTS = 4;
const BATCHES = 32;
const BATCH = 500;

let books: Books;
let site: Site;

beforeAll(async () => {
  books = await createBooks();
  site = await createSite(books.url);
  const merchants = Array.from({ length: MERCHANTS }, () => newId());
  await books.store(...merchants.map((id) => merchantUpdated(id, [termsFrom('2026-01-01')])));
  for (let n = 0; n < BATCHES; n += 1) {
    const merchantId = merchants[n % MERCHANTS] ?? '';
    const payments = Array.from({ length: BATCH }, () =>
      completed({ merchantId, approvedAt: `${DAY}T03:00:00.000Z` }),
    );
    await books.store(...payments);
  }
});
afterAll(async () => {
  await site.stop();
  await books.drop();
});

const KILL_ONCE = [
  'exists (select from settlement_run)',
  `exists (select from settlement_run where status <> 'STARTED')`,
  'exists (select from settlement)',
  'exists (select from outbox)',
  '(select count(*) from outbox) > 10000',
];

describe('the close command, killed over and over', () => {
  it('leaves each payment settled once and each statement whole', {
    timeout: 120_000,
  }, async () => {
    const environment = {
      DATABASE_URL: books.url.reveal(),
      KAFKA_BROKERS: site.config.KAFKA_BROKERS,
      TOPIC_PREFIX: site.config.TOPIC_PREFIX,
    };
    for (const condition of KILL_ONCE) {
      const { child, ended } = startClose(['--date', DAY], environment);
      await waitFor(
        async () => (await books.rows<{ so: boolean }>(`select ${condition} as so`))[0]?.so,
        { what: condition, intervalMs: 2 },
      );
      child.kill('SIGKILL');
      await ended;
    }

    const { code } = await startClose(['--date', DAY], environment).ended;

    expect(code).toBe(0);
    const [run] = await books.rows<{ tries: number }>('select tries from settlement_run');
    expect(run?.tries).toBeGreaterThan(2);
    const events = await books.outbox();
    const settled = only(events, 'payment.settled').map(({ data }) => data.itemId);
    const facts = await books.rows<{ id: string }>('select id from fact order by id');
    expect(settled.sort()).toEqual(facts.map(({ id }) => id));
    const closed = only(events, 'settlement.closed');
    expect(closed).toHaveLength(MERCHANTS);
    for (const { data } of closed) {
      const lines = only(events, 'settlement.items')
        .filter((part) => part.data.settlementId === data.settlementId)
        .flatMap((part) => part.data.items);
      expect(lines).toHaveLength((BATCHES / MERCHANTS) * BATCH);
      expect(hashItems(lines)).toBe(data.itemsHash);
    }
    expect(new Set(events.map((event) => (event as { id: string }).id)).size).toBe(events.length);
  });
});
