import { hashItems, type Topic } from '@mini-pg/domain';
import { deadLetterTopic, readProgress } from '@mini-pg/messaging';
import { newId } from '@mini-pg/runtime';
import { waitFor } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CloseOptions, closeDays } from '../src/close/close-days.ts';
import type { Config } from '../src/config.ts';
import { readFactsProgress } from '../src/facts/consumed.ts';
import { type SettlementWorker, startSettlementWorker } from '../src/settlement-worker.ts';
import { type Books, createBooks } from './support/books.ts';
import { cancelled, completed, merchantUpdated, reversed, termsFrom } from './support/events.ts';
import { createSite, type Site, silent } from './support/site.ts';

const DAY = '2026-03-13';
const AT = `${DAY}T03:00:00.000Z`;
const NOW = new Date('2026-06-15T12:00:00Z');

let books: Books;
let site: Site;
const workers: SettlementWorker[] = [];

beforeAll(async () => {
  books = await createBooks();
  site = await createSite(books.url);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
});
afterAll(async () => {
  await site.stop();
  await books.drop();
});

async function startWorker(
  config: Partial<Config> = { CLOSE_SCHEDULE: 'off' },
  now = NOW,
): Promise<SettlementWorker> {
  const worker = await startSettlementWorker(
    { ...site.config, ...config },
    { logger: silent, clock: { now: () => now } },
  );
  workers.push(worker);
  return worker;
}

const close = (date: string, options: Partial<CloseOptions> = {}) =>
  closeDays(date, {
    connectionString: site.config.DATABASE_URL,
    readProgress: () => readFactsProgress(site.config),
    requestedBy: 'test',
    clock: { now: () => NOW },
    logger: silent,
    ...options,
  });

const countFacts = async () =>
  (await books.rows<{ count: number }>('select count(*)::int as count from fact'))[0]?.count;

describe('settlement-worker on Kafka', () => {
  it('takes payments and terms to statements that other services can read', async () => {
    const merchantId = newId();
    const payments = Array.from({ length: 620 }, (_, n) =>
      completed({ merchantId, amount: 1_000 + n, approvedAt: AT }),
    );
    const heard = await site.listen('settlement.closed', 'settlement.items', 'payment.settled');
    await startWorker();
    await site.publish(...payments.slice(0, 20), merchantUpdated(merchantId, [termsFrom(DAY)]));
    await site.publish(...payments, ...payments.slice(0, 20));

    const result = await close(DAY);

    expect(result).toMatchObject({ outcome: 'closed', days: [{ statements: 1, factsHeld: 0n }] });
    expect(await countFacts()).toBe(620);
    const of = <T extends Topic>(topic: T) => heard.filter((one) => one.topic === topic);
    await waitFor(
      () => of('payment.settled').length === 620 && of('settlement.closed').length === 1,
      {
        what: 'the events of the close',
      },
    );
    const lines = heard.flatMap((one) =>
      one.topic === 'settlement.items' ? one.event.data.items : [],
    );
    const [closed] = heard.flatMap((one) => (one.topic === 'settlement.closed' ? [one.event] : []));
    expect(closed?.data).toMatchObject({ merchantId, count: 620, itemsHash: hashItems(lines) });
    await waitFor(async () => (await books.rows('select from outbox')).length === 0, {
      what: 'the outbox to be empty',
    });
  });

  it('puts what is no event among the dead letters and goes on', async () => {
    const before = (await countFacts()) ?? 0;
    const merchantId = newId();
    const stored = completed({ merchantId, approvedAt: AT });
    const otherMoney = { ...stored, data: { ...stored.data, amount: 5 } };
    await startWorker();
    await site.publishRaw('payment.completed', '{"specversion":"1.0"');
    await site.publishRaw('payment.completed', JSON.stringify({ ...stored, data: { amount: 1 } }));
    await site.publish(stored, otherMoney, completed({ merchantId, approvedAt: AT }));

    await waitFor(async () => (await countFacts()) === before + 2, { what: 'two facts' });
    await waitFor(async () => (await endOf(deadLetterTopic('payment.completed'))) === 3n, {
      what: 'three dead letters',
    });
  });

  it('shares partitions with a second instance without a fact lost or twice', async () => {
    const before = (await countFacts()) ?? 0;
    const merchantId = newId();
    const payments = Array.from({ length: 300 }, () => completed({ merchantId, approvedAt: AT }));
    await startWorker();
    await site.publish(...payments.slice(0, 150));
    const second = await startWorker();
    await site.publish(...payments.slice(150));
    await waitFor(async () => (await countFacts()) === before + 300, { what: '300 facts' });
    workers.splice(workers.indexOf(second), 1);
    await second.stop();
    await site.publish(...payments, completed({ merchantId, approvedAt: AT }));
    await waitFor(async () => (await countFacts()) === before + 301, { what: 'the last fact' });
  });
});

describe('what pg-processor tells of one payment on topics without a common order', () => {
  it('comes to the same lines, and a reversal to none', async () => {
    const merchantId = newId();
    const approvedAt = '2026-03-18T03:00:00.000Z';
    const payment = completed({ merchantId, amount: 33_333, approvedAt });
    const [first, second] = [
      cancelled(payment, {
        remainingBefore: 33_333,
        remainingAfter: 22_222,
        cancelledAt: '2026-03-18T04:00:00.000Z',
      }),
      cancelled(payment, {
        remainingBefore: 22_222,
        remainingAfter: 0,
        cancelledAt: '2026-03-18T05:00:00.000Z',
      }),
    ];
    const reversal = reversed({ merchantId, approvedAt, reversedAt: approvedAt });
    await Promise.all([startWorker(), startWorker()]);
    await site.publish(
      second,
      reversal,
      first,
      second,
      merchantUpdated(merchantId, [termsFrom(DAY)]),
    );
    await site.publish(payment, reversal, first, payment);
    await close('2026-03-18');
    const lines =
      'select amount, fee, vat from settlement_item where merchant_id = $1 order by net';
    expect(await books.rows(lines, [merchantId])).toEqual([
      { amount: -22_222n, fee: -733n, vat: -73n },
      { amount: -11_111n, fee: -366n, vat: -37n },
      { amount: 33_333n, fee: 1_099n, vat: 110n },
    ]);
    const postings =
      'select kind, amount from suspense_posting where merchant_id = $1 order by kind';
    expect(await books.rows(postings, [merchantId])).toEqual([
      { kind: 'CAPTURE', amount: 10_000n },
      { kind: 'REVERSAL', amount: -10_000n },
    ]);
  });
});

describe('a close while facts are on their way', () => {
  it('stops with an error when they do not arrive, and changes nothing', async () => {
    await site.publish(completed({ merchantId: newId(), approvedAt: AT }));
    const before = await books.rows('select r::text from settlement_run r');
    await expect(close('2026-03-20', { waitMaxMs: 500 })).rejects.toThrow(
      /still being stored after 0.5 s \(.*payment\.completed\[\d+\]\)/,
    );
    expect(await books.rows('select r::text from settlement_run r')).toEqual(before);
  });

  it('takes them in once they are stored', async () => {
    const merchantId = newId();
    await site.publish(
      merchantUpdated(merchantId, [termsFrom('2026-01-01')]),
      completed({ merchantId, amount: 4_321, approvedAt: '2026-03-21T03:00:00.000Z' }),
    );
    const closing = close('2026-03-21');
    await startWorker();
    await closing;
    expect(
      await books.rows('select date, gross from settlement where merchant_id = $1', [merchantId]),
    ).toEqual([{ date: '2026-03-21', gross: 4_321n }]);
  });
});

/** The days before it are closed first. */
const CLOSED_TIMEOUT_MS = 60_000;

describe('the schedule of the service', () => {
  it('closes what is due, once over all instances', { timeout: 90_000 }, async () => {
    const merchantId = newId();
    const saleDate = '2026-06-16';
    await site.publish(
      merchantUpdated(merchantId, [termsFrom('2026-01-01')]),
      completed({ merchantId, approvedAt: `${saleDate}T03:00:00.000Z` }),
    );
    const tenPastMidnight = new Date('2026-06-16T15:10:00Z');
    const start = () => startWorker({ CLOSE_SCHEDULE: 'on' }, tenPastMidnight);
    await Promise.all([start(), start()]);
    const runs = await waitFor(
      async () => {
        const rows = await books.rows<{ status: string }>(
          'select status, tries, requested_by from settlement_run where date = $1',
          [saleDate],
        );
        return rows[0]?.status === 'CLOSED' && rows;
      },
      { what: `${saleDate} to be closed`, timeoutMs: CLOSED_TIMEOUT_MS },
    );
    expect(runs).toEqual([{ status: 'CLOSED', tries: 1, requested_by: 'schedule' }]);
    expect(
      await books.rows('select date from settlement where merchant_id = $1', [merchantId]),
    ).toEqual([{ date: saleDate }]);
  });
});

/** How many messages a topic ever had, over all its partitions. */
async function endOf(topic: string): Promise<bigint> {
  const partitions = await readProgress({
    brokers: site.config.KAFKA_BROKERS,
    groupId: 'nobody',
    topics: [`${site.config.TOPIC_PREFIX}${topic}`],
  });
  return partitions.reduce((sum, { endOffset }) => sum + endOffset, 0n);
}
