import {
  type AuditBounds,
  type AuditReport,
  audit,
  CannotAuditError,
  formatReport,
  RULES,
  verdictLine,
} from '@mini-pg/auditor';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LedgerServer, startLedgerServer } from '../support/ledger-server.ts';
import {
  createMigratedDatabase,
  type DatabaseCopy,
  type MigratedDatabase,
} from '../support/migrated-database.ts';
import { PLANTS } from '../support/plants/index.ts';
import { addDecided, hoursAgo } from '../support/plants/written-off.ts';
import { fillSoundBooks, type SoundBooks } from '../support/sound-books.ts';
import { captureOf } from '../support/sound-payments.ts';

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

let books: SoundBooks;
let database: MigratedDatabase;
let ledger: LedgerServer;
let copy: DatabaseCopy;

beforeAll(async () => {
  database = await createMigratedDatabase(async (pool) => {
    books = await fillSoundBooks(pool);
  });
  ledger = await startLedgerServer([]);
});

afterAll(async () => {
  await ledger?.stop();
  await database?.drop();
});

beforeEach(async () => {
  copy = await database.copy();
  ledger.entries = books.ledger.map((entry) => ({ ...entry }));
});

afterEach(() => copy.drop());

describe('sound books', () => {
  it('are clean by every rule, and every rule had something to look at', async () => {
    const report = await auditCopy(ledger.url);
    expect(brokenRules(report)).toEqual([]);
    expect(report.clean).toBe(true);
    expect(report.rules.map(({ id }) => id)).toEqual(RULES.map(({ id }) => id));
    expect(report.rules.filter(({ checked }) => checked === 0)).toEqual([]);
    expect(verdictLine(report)).toMatch(/^auditor: clean \(\d+ rules, \d+ rows checked\)$/);
  });

  it('are held to the rules that need no ledger when there is none', async () => {
    const report = await auditCopy(undefined);
    expect(report.clean).toBe(true);
    expect(report.leftOut).toEqual(RULES.filter((r) => r.needsLedger).map(({ id }) => id));
    expect(formatReport(report)).toContain('left out: no ledger of the gateways');
  });
});

describe('books with a violation', () => {
  it.each(PLANTS)('$rule: $what', async ({ rule, also = [], withoutLedger, plant }) => {
    await plant({ pool: copy.pool, books, ledger: ledger.entries });
    const report = await auditCopy(withoutLedger ? undefined : ledger.url);
    expect(brokenRules(report)).toEqual([rule, ...also].sort());
    const found = report.rules.find(({ id }) => id === rule);
    expect(found?.violations.length).toBeGreaterThan(0);
    expect(verdictLine(report)).toMatch(/^auditor: NOT CLEAN \(.*/);
    expect(formatReport(report)).toContain(found?.statement);
  });

  it('are planted for every rule', () => {
    const planted = new Set(PLANTS.map(({ rule }) => rule));
    expect(RULES.map(({ id }) => id).filter((id) => !planted.has(id))).toEqual([]);
  });
});

describe('what a person has decided', () => {
  it('is clean: a capture of a failed payment that was written off', async () => {
    await addDecided(copy, books.failed);
    ledger.entries.push({ ...captureOf(books.failed), at: hoursAgo(3).toISOString() });
    expect(brokenRules(await auditCopy(ledger.url))).toEqual([]);
  });

  it('is clean: another amount that was captured, and given back', async () => {
    await addDecided(copy, books.failed, { kind: 'MISMATCH', resolved_as: 'CANCEL' });
    const capture = { ...captureOf(books.failed), amount: 7, at: hoursAgo(4).toISOString() };
    const refund = { kind: 'CANCEL', pgTransactionId: 'tx-back', at: hoursAgo(3).toISOString() };
    ledger.entries.push(capture, { ...capture, ...refund } as typeof capture);
    expect(brokenRules(await auditCopy(ledger.url))).toEqual([]);
  });

  it('is clean: an unknown outcome that was written off', async () => {
    await copy.pool.query(
      `update processor.exception set resolved_at = now(), resolution = 'x', resolved_by = 'kim',
         resolved_as = 'WRITE_OFF' where payment_id = $1`,
      [books.unknown.paymentId],
    );
    await copy.pool.query(
      `update payment.payment set requested_at = now() - interval '1 day' where id = $1`,
      [books.unknown.paymentId],
    );
    expect(brokenRules(await auditCopy(ledger.url))).toEqual([]);
  });
});

describe('an audit that cannot be made', () => {
  it.each([
    [
      'of a server that is not there',
      'postgres://a:b@127.0.0.1:1/none',
      /ECONNREFUSED.*; check the host and port/,
    ],
    ['of a URL without a database', 'nowhere', /.+/],
  ])('%s says so instead of giving a verdict', async (_, postgresUrl, message) => {
    const failure = audit({ postgresUrl });
    await expect(failure).rejects.toThrow(CannotAuditError);
    await expect(failure).rejects.toThrow(message);
  });

  it('of a database without the schemas names the command that is missing', async () => {
    await copy.pool.query('drop schema settlement cascade');
    await expect(auditCopy(undefined)).rejects.toThrow(/run the migrations/);
  });

  it('beside a ledger that is none names the address', async () => {
    const elsewhere = 'http://127.0.0.1:1';
    await expect(auditCopy(elsewhere)).rejects.toThrow(/_sim\/ledger.*cannot be read/);
  });
});

function auditCopy(simulatorUrl: string | undefined): Promise<AuditReport> {
  return audit({ postgresUrl: copy.auditorUrl, simulatorUrl, bounds: BOUNDS });
}

function brokenRules(report: AuditReport): string[] {
  return report.rules.flatMap(({ id, total }) => (total > 0 ? [id] : [])).sort();
}
