import { Secret } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPool } from '../test/support.ts';
import { LeaderSession, LeadershipLostError } from './leader-session.ts';

const LOCK_CLASS = 7;
let database: TestDatabase;
const sessions: LeaderSession[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

afterAll(() => database.drop());

async function open(schema: 'payment' | 'processor' = 'payment'): Promise<LeaderSession> {
  const session = await LeaderSession.open({
    connectionString: new Secret(database.urls[schema]),
    applicationName: `leader-${schema}`,
    lockClass: LOCK_CLASS,
  });
  sessions.push(session);
  return session;
}

describe('the lock of a schema', () => {
  it('is held by one session, until that ends', async () => {
    const [first, second] = [await open(), await open()];
    expect([await first.tryLock(), await second.tryLock()]).toEqual([true, false]);
    await first.close();
    expect(await second.tryLock()).toBe(true);
  });

  it('is not that of another schema', async () => {
    const [payment, processor] = [await open('payment'), await open('processor')];
    expect([await payment.tryLock(), await processor.tryLock()]).toEqual([true, true]);
  });

  it('is lost by a session that is silent for five seconds', async () => {
    const session = await open();
    expect(await session.query('show idle_session_timeout')).toEqual([
      { idle_session_timeout: '5s' },
    ]);
  });
});

describe('a session', () => {
  it('that was silent asks before it says that it is alive', async () => {
    const session = await open();
    const later = performance.now() + 60_000;
    vi.spyOn(performance, 'now').mockImplementation(() => later);
    await expect(session.ensureAlive()).resolves.toBeUndefined();
  });

  it('that gets no answer in time is not alive', async () => {
    const session = await open();
    let now = performance.now() + 60_000;
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 5_000;
      return now;
    });
    await expect(session.ensureAlive()).rejects.toThrow('no answer for');
  });

  it('that the server ended is not alive', async () => {
    const session = await open();
    const admin = openPool(database.adminUrl);
    const end =
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1';
    await admin.query(end, ['leader-payment']);
    await admin.end();
    const later = performance.now() + 60_000;
    vi.spyOn(performance, 'now').mockImplementation(() => later);
    await expect(session.ensureAlive()).rejects.toThrow(LeadershipLostError);
  });
});
