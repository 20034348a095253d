import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuditBounds,
  CannotAuditError,
  createWatch,
  fileStore,
  memoryStore,
  type Problem,
  type StateStore,
  startWatchService,
  WATCHED_RULES,
  type Watch,
  type WatchLimits,
} from '@mini-pg/auditor';
import { createLogger, newId } from '@mini-pg/runtime';
import { waitFor } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createMigratedDatabase,
  type DatabaseCopy,
  type MigratedDatabase,
} from '../support/migrated-database.ts';
import { PLANTS } from '../support/plants/index.ts';
import { fillSoundBooks, type SoundBooks } from '../support/sound-books.ts';
import { addPayment } from '../support/sound-payments.ts';
import { addCancel, addPaymentFact } from '../support/sound-settlement.ts';

const MINUTE_MS = 60_000;
const BOUNDS: AuditBounds = {
  deliveryMs: MINUTE_MS,
  requestedMs: 60 * MINUTE_MS,
  callingMs: MINUTE_MS,
  unknownMs: MINUTE_MS,
  outboxMs: MINUTE_MS,
  captureMs: MINUTE_MS,
  closeMs: 60 * MINUTE_MS,
};
/** So small that a round takes several passes. */
const SMALL: Partial<WatchLimits> = {
  laneRowsMax: 2,
  roundRowsMax: 3,
  linesMax: 1,
  roundLinesMax: 1,
};
const PASSES_MAX = 60;

let books: SoundBooks;
let database: MigratedDatabase;
let copy: DatabaseCopy;
let found: Problem[];
let resolved: Problem[];
const watches: Watch[] = [];

beforeAll(async () => {
  database = await createMigratedDatabase(async (pool) => {
    books = await fillSoundBooks(pool);
  });
});

afterAll(() => database?.drop());

beforeEach(async () => {
  copy = await database.copy();
  found = [];
  resolved = [];
});

afterEach(async () => {
  await Promise.all(watches.splice(0).map((watch) => watch.close()));
  await copy.drop();
});

function watchCopy(store: StateStore = memoryStore(), limits?: Partial<WatchLimits>): Watch {
  const watch = createWatch({
    postgresUrl: copy.auditorUrl,
    store,
    bounds: BOUNDS,
    limits: limits ?? {},
    onProblem: (problem) => found.push(problem),
    onResolved: (problem) => resolved.push(problem),
  });
  watches.push(watch);
  return watch;
}

const rulesOf = (problems: readonly Problem[]) =>
  [...new Set(problems.map(({ rule }) => rule))].sort();

/** Passes until every round has come to its end twice: all that is stored was looked at. */
async function goRound(watch: Watch): Promise<void> {
  const ends = new Map<string, number>();
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const { rounds } = await watch.runOnce();
    for (const lane of rounds) ends.set(lane, (ends.get(lane) ?? 0) + 1);
    if (ends.size === ROUNDS && [...ends.values()].every((count) => count >= 2)) return;
  }
  throw new Error(`no round in ${PASSES_MAX} passes`);
}
const ROUNDS = 7;

describe('a watch of sound books', () => {
  it('states nothing, however small its slices are', async () => {
    for (const limits of [undefined, SMALL]) await goRound(watchCopy(memoryStore(), limits));
    expect(found).toEqual([]);
  });
});

describe('a watch of books with a violation', () => {
  const watched = new Set(WATCHED_RULES.map(({ id }) => id));
  const unseen = new Set([
    // No slice begins with a key that is not there.
    'a payment without its key',
  ]);

  it.each(PLANTS.filter(({ rule, what }) => watched.has(rule) && !unseen.has(what)))(
    '$rule: $what',
    async ({ rule, also = [], alsoInSlice = [], plant }) => {
      const watch = watchCopy();
      await watch.runOnce();
      await plant({ pool: copy.pool, books, ledger: [] });
      await goRound(watch);
      const expected = [rule, ...also, ...alsoInSlice].filter((id) => watched.has(id)).sort();
      expect(rulesOf(found)).toEqual(expected);
      expect(watch.open().get(rule)).toBeGreaterThan(0);
      const before = found.length;
      await goRound(watch);
      expect(found).toHaveLength(before);
      expect(resolved).toEqual([]);
    },
  );
});

describe('a problem', () => {
  const breakIt = () =>
    copy.pool.query(
      `update payment.payment_fact set data = jsonb_set(data, '{amount}', '1')
                     where payment_id = $1`,
      [books.late.paymentId],
    );
  const mendIt = () =>
    copy.pool.query(
      `update payment.payment_fact set data = jsonb_set(data, '{amount}', $2)
                     where payment_id = $1`,
      [books.late.paymentId, String(books.late.amount)],
    );

  it('is stated once with what proves it, and once more when it is gone', async () => {
    const watch = watchCopy();
    await breakIt();
    await goRound(watch);
    expect(found).toMatchObject([
      {
        rule: 'approved-as-requested',
        statement: expect.stringMatching(/^What was approved is what was asked for/),
        violation: { paymentId: books.late.paymentId, amount: 10_000, approvedAmount: '1' },
      },
    ]);
    await mendIt();
    await watch.runOnce();
    expect(resolved).toEqual(found);
    expect([...watch.open().values()].every((count) => count === 0)).toBe(true);
    await goRound(watch);
    expect([found, resolved].map((list) => list.length)).toEqual([1, 1]);
  });

  it('outlives a restart: the next watch knows it, and says when it is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watch-'));
    try {
      const file = join(folder, 'state', 'auditor.json');
      const first = watchCopy(fileStore(file));
      await breakIt();
      await goRound(first);
      await first.close();
      const stated = [...found];

      const second = watchCopy(fileStore(file));
      expect(second.open().get('approved-as-requested')).toBe(1);
      await goRound(second);
      expect(found).toEqual(stated);
      await mendIt();
      await second.runOnce();
      expect(resolved).toEqual(stated);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('among idempotency keys is looked at again on the page where it was', async () => {
    const watch = watchCopy(memoryStore(), SMALL);
    const hold = 'update payment.idempotency_key set live_order_id = $2 where resource = $1';
    await copy.pool.query(hold, [books.failed.paymentId, books.failed.orderId]);
    await goRound(watch);
    expect(rulesOf(found)).toEqual(['live-order-mark']);
    await copy.pool.query(hold, [books.failed.paymentId, null]);
    await watch.runOnce();
    expect(resolved).toEqual(found);
  });
});

describe('what happens while a watch runs', () => {
  it('is seen by its next pass: an approval that is booked otherwise, a cancel without balance', async () => {
    const watch = watchCopy();
    await goRound(watch);
    const payment = await addPayment(copy.pool, {
      merchantId: books.exclusive.id,
      orderId: 'order-now',
      amount: 10_000n,
      end: 'APPROVED',
      at: new Date(),
    });
    await addPaymentFact(copy.pool, payment, books.exclusive.policy);
    await goRound(watch);
    expect(found).toEqual([]);
    await copy.pool.query('drop index settlement.fact_balance_cancelled_once');
    await addCancel(copy.pool, payment, 4_000n, books.exclusive.policy);
    await addCancel(copy.pool, payment, 4_000n, books.exclusive.policy);
    await watch.runOnce();
    expect(rulesOf(found)).toEqual(['cancels-fit-payment']);
  });

  it('is seen once it is beyond its bound: a request that never arrived', async () => {
    const watch = watchCopy();
    await watch.runOnce();
    await addPayment(copy.pool, {
      merchantId: books.exclusive.id,
      orderId: 'order-lost',
      amount: 10_000n,
      end: 'NOT_ARRIVED',
      at: new Date(Date.now() - 2 * MINUTE_MS),
    });
    await watch.runOnce();
    expect(rulesOf(found)).toEqual(['request-arrives']);
  });
});

describe('a state that is none', () => {
  it('is refused by its name, and left as it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'watch-'));
    try {
      const file = join(folder, 'auditor.json');
      writeFileSync(file, '{"version": 2}');
      expect(() => watchCopy(fileStore(file))).toThrow(CannotAuditError);
      expect(() => watchCopy(fileStore(file))).toThrow(/auditor\.json is no state of a watch/);
      expect(readFileSync(file, 'utf8')).toBe('{"version": 2}');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the service of a watch', () => {
  const start = (postgresUrl = copy.auditorUrl) =>
    startWatchService({
      postgresUrl,
      store: memoryStore(),
      bounds: BOUNDS,
      intervalMs: 50,
      host: '127.0.0.1',
      port: 0,
      logger: createLogger({ service: 'test', level: 'silent' }),
    });
  const metricsOf = async (port: number) =>
    (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const metric = (text: string, series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(series))
        ?.split(' ')
        .at(-1),
    );

  it('has a series for each rule, which follows the problem up and down', async () => {
    const service = await start();
    try {
      const series = 'auditor_open_problems{rule="no-dead-letters"';
      const open = async () => metric(await metricsOf(service.port), series);
      expect(await open()).toBe(0);
      const ready = async () => (await fetch(`http://127.0.0.1:${service.port}/health/ready`)).ok;
      await waitFor(ready, { what: 'a first pass' });
      const text = await metricsOf(service.port);
      for (const { id } of WATCHED_RULES) expect(text).toContain(`rule="${id}"`);
      await copy.pool.query(
        `insert into payment.parked_event (event_id, topic, payload, reason, parked_at)
         values ($1, 'payment.completed', '{}', 'not known', now() - interval '1 day')`,
        [newId()],
      );
      await waitFor(async () => (await open()) === 1, { what: 'the problem' });
      await copy.pool.query('delete from payment.parked_event');
      await waitFor(async () => (await open()) === 0, { what: 'it to be gone' });
    } finally {
      await service.stop();
    }
  });

  it('goes on once a database that was away is there', async () => {
    const service = await start();
    const done = async () =>
      metric(await metricsOf(service.port), 'auditor_passes_total{outcome="done"');
    try {
      await waitFor(async () => (await done()) >= 1, { what: 'a first pass' });
      const before = await done();
      await copy.pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
                             where application_name = 'auditor-watch'
                               and datname = current_database()`);
      await waitFor(async () => (await done()) > before + 1, { what: 'passes after the cut' });
    } finally {
      await service.stop();
    }
  });
});
