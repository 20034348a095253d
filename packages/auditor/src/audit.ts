import type { PostgresSession } from '@mini-pg/database';
import { type AuditBounds, DEFAULT_BOUNDS } from './bounds.ts';
import { createLedgerTable, loadLedger } from './ledger.ts';
import type { Rule, RuleResult } from './rule.ts';
import { RULES } from './rules/index.ts';
import { asCannotAudit, connect } from './session.ts';

export interface AuditOptions {
  /** A role that may read every schema and make temporary tables: the auditor's. */
  readonly postgresUrl: string;
  /** Where the gateways' ledger is; without it the rules that compare with it are left out. */
  readonly simulatorUrl?: string | undefined;
  readonly bounds?: AuditBounds;
  /** Takes a line for what lasts longer than a second. */
  readonly log?: (line: string) => void;
}

export interface AuditReport {
  readonly clean: boolean;
  readonly rules: readonly RuleResult[];
  /** Rules that were left out, because no ledger was given. */
  readonly leftOut: readonly string[];
  /** The database's time of the snapshot. */
  readonly at: Date;
}

const STATEMENT_TIMEOUT_MS = 600_000;
const SLOW_MS = 1_000;

/**
 * Every rule reads whole tables, and often ones so young that the planner takes them for small:
 * other ways to join than hashing would then take hours instead of seconds.
 */
const PLANNER_SETTINGS = ['enable_nestloop = off', 'enable_mergejoin = off', 'jit = off'];

/**
 * Holds a system to the rules about money, in one snapshot of its database and beside the ledger
 * of its gateways. It only reads; the ledger is kept in a temporary table of its own session.
 *
 * @throws CannotAuditError when there is no verdict: nothing to connect to, schemas missing.
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  const session = await connect(options.postgresUrl, {
    applicationName: 'auditor',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    return await auditSession(session, options);
  } catch (error) {
    throw asCannotAudit(error);
  } finally {
    await session.end().catch(() => {});
  }
}

async function auditSession(session: PostgresSession, options: AuditOptions): Promise<AuditReport> {
  const { simulatorUrl, bounds = DEFAULT_BOUNDS, log = () => {} } = options;
  if (simulatorUrl !== undefined) await createLedgerTable(session);
  await session.query('begin isolation level repeatable read read only');
  for (const setting of PLANNER_SETTINGS) await session.query(`set local ${setting}`);
  const { rows } = await session.query<{ at: Date }>('select now() as at, pg_current_snapshot()');
  if (simulatorUrl !== undefined) await readLedger(session, simulatorUrl, log);
  const applied = RULES.filter((rule) => !rule.needsLedger || simulatorUrl !== undefined);
  const results: RuleResult[] = [];
  for (const rule of applied) {
    results.push(await withNotice(rule.id, log, () => hold(rule, session, bounds)));
  }
  await session.query('rollback');
  return {
    clean: results.every((result) => result.total === 0),
    rules: results,
    leftOut: RULES.filter((rule) => !applied.includes(rule)).map((rule) => rule.id),
    at: rows[0]?.at ?? new Date(Number.NaN),
  };
}

async function hold(
  rule: Rule,
  session: PostgresSession,
  bounds: AuditBounds,
): Promise<RuleResult> {
  const findings = await rule.check({ session, bounds });
  return { id: rule.id, statement: rule.statement, ...findings };
}

async function readLedger(
  session: PostgresSession,
  simulatorUrl: string,
  log: (line: string) => void,
): Promise<void> {
  let toldAt = performance.now();
  await loadLedger(session, simulatorUrl, (rows) => {
    if (performance.now() - toldAt < SLOW_MS) return;
    toldAt = performance.now();
    log(`reading the gateways' ledger: ${rows} rows`);
  });
}

async function withNotice<T>(
  what: string,
  log: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => log(`checking ${what} ...`), SLOW_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
