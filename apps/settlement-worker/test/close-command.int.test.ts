import { addDays, businessDateOf, startOfBusinessDate } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SettlementWorker, startSettlementWorker } from '../src/settlement-worker.ts';
import { type Books, createBooks } from './support/books.ts';
import { startClose } from './support/close-process.ts';
import { completed, merchantUpdated, termsFrom } from './support/events.ts';
import { createSite, type Site, silent } from './support/site.ts';

const TODAY = businessDateOf(new Date());

let books: Books;
let site: Site;
let worker: SettlementWorker;

beforeAll(async () => {
  books = await createBooks();
  site = await createSite(books.url);
  worker = await startSettlementWorker(site.config, { logger: silent });
});
afterAll(async () => {
  await worker.stop();
  await site.stop();
  await books.drop();
});

const close = (args: readonly string[], environment?: Record<string, string>) =>
  startClose(args, environment).ended;

const environment = () => ({
  DATABASE_URL: books.url.reveal(),
  KAFKA_BROKERS: site.config.KAFKA_BROKERS,
  TOPIC_PREFIX: site.config.TOPIC_PREFIX,
});

describe('the close command', () => {
  it('closes today, says what came of it, and says so the second time', async () => {
    const merchantId = newId();
    await site.publish(
      merchantUpdated(merchantId, [termsFrom(TODAY)]),
      completed({
        merchantId,
        amount: 50_000,
        approvedAt: startOfBusinessDate(TODAY).toISOString(),
      }),
    );

    const first = await close(['--date', TODAY], environment());
    expect(first).toEqual({
      code: 0,
      out:
        `${TODAY} closed: 1 statements\n` +
        `${TODAY} KRW: 1 items, gross 50000, fee 1650, VAT 165, net 48185\n`,
      err: '',
    });

    const second = await close(['--date', TODAY], environment());
    expect(second).toEqual({
      code: 0,
      out: `${TODAY} is already closed; nothing changed\n`,
      err: '',
    });
  });

  it('explains itself without any configuration', async () => {
    const { code, out, err } = await close(['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Usage: close --date YYYY-MM-DD');
  });

  it.each([
    [[], /^close: --date is missing: .+\n$/],
    [['--date', '31-03-2026'], /^close: --date "31-03-2026" is no date: .+\n$/],
    [['--date', '2026-02-30'], /^close: --date "2026-02-30" is no date: .+\n$/],
    [['--yesterday'], /^close: Unknown option '--yesterday': .+\n$/],
  ])('answers %j with one line and exit code 2', async (args, line) => {
    const { code, out, err } = await close(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(line);
  });

  it('refuses a future day with exit code 2, before it needs any configuration', async () => {
    const future = addDays(TODAY, 2);
    const { code, err } = await close(['--date', future]);
    expect(code).toBe(2);
    expect(err).toContain(`close: ${future} is in the future: today is `);
  });

  it('names what its environment lacks, with exit code 1', async () => {
    const { code, err } = await close(['--date', TODAY], { TOPIC_PREFIX: '' });
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(
        /^config: DATABASE_URL: is missing: .+\nconfig: KAFKA_BROKERS: is missing: .+\n$/,
      ),
    });
  });

  it('says that the database is away, with exit code 1', async () => {
    const away = { ...environment(), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };
    const { code, err } = await close(['--date', TODAY], away);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^close: Postgres at 127\.0\.0\.1:1\/none: .*ECONNREFUSED.*DATABASE_URL\n$/,
    );
  });
});
