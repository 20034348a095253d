import { dieAt } from './deaths.ts';
import { recoveryFrom, watchEndings } from './endings.ts';
import { type FailpointRow, KILLED_SERVICES, nameOfRow } from './failpoint-rows.ts';
import { ledgerEnd } from './gateway-ledger.ts';
import type { SilentRow } from './kept-results.ts';
import type { LivingSystem } from './living-system.ts';
import type { RowResult } from './row-result.ts';
import { startTraffic } from './traffic.ts';
import { triggerOf } from './triggers.ts';
import { brokenRules, inspect, verdictOver } from './verdict.ts';

const RATE_PER_SECOND = 8;

/** A death of a lane, with the time in which its service was armed. */
interface Death {
  readonly row: FailpointRow;
  readonly armedAtMs: number;
  readonly diedAtMs: number;
}

export interface LanesResult {
  readonly rows: readonly RowResult[];
  /** Steps that were not reached, and why. */
  readonly failed: readonly SilentRow[];
  /** Rules of the auditor that the system breaks at rest, after all of it. */
  readonly brokenRules: readonly string[];
}

/**
 * Every step once, in little time: all services die at the same time, each at one step after the
 * other, under traffic that never stops. A row is given the payments that were sent while its
 * service was armed; what went wrong with them may have begun in a row of another service, so a
 * failure is looked at again by that row alone.
 */
export async function runLanes(
  living: LivingSystem,
  rows: readonly FailpointRow[],
  log: (line: string) => void,
): Promise<LanesResult> {
  const ledgerFrom = await ledgerEnd(living.system.simulator);
  const traffic = startTraffic(living.system, living.merchants, {
    name: `lane${Date.now().toString(36)}`,
    ratePerSecond: RATE_PER_SECOND,
  });
  const endings = watchEndings(living, traffic.orders);
  try {
    const run: Lanes = { living, log, deaths: [], failed: [] };
    const lanes = KILLED_SERVICES.map((name) => rows.filter(({ service }) => service === name));
    await Promise.all(lanes.map((lane) => runLane(run, closesLast(lane))));
    await traffic.stop();
    const findings = await inspect(living, traffic.orders, ledgerFrom);
    await clear(living, rows);
    await endings.stop();
    const results = run.deaths.map(({ row, armedAtMs, diedAtMs }) => {
      const own = traffic.orders.filter(
        ({ sentAtMs }) => sentAtMs >= armedAtMs && sentAtMs <= diedAtMs,
      );
      const named = { name: nameOfRow(row), what: row.sentence };
      const recoveredMs = recoveryFrom(traffic.orders, diedAtMs);
      return { ...named, recoveredMs, ...verdictOver(findings, own) };
    });
    return {
      rows: results,
      failed: run.failed,
      brokenRules: await brokenRules(living, verdictOver(findings, traffic.orders)),
    };
  } finally {
    traffic.abort();
    await endings.stop();
  }
}

const NEEDS_A_CLOSE: ReadonlySet<string> = new Set(['close', 'close-dies']);

/** A close waits for the worker's consumer: it comes when that dies no more. */
function closesLast(rows: readonly FailpointRow[]): FailpointRow[] {
  const [others = [], closes = []] = [false, true].map((isLast) =>
    rows.filter(({ trigger }) => NEEDS_A_CLOSE.has(trigger) === isLast),
  );
  return [...others, ...closes];
}

interface Lanes {
  readonly living: LivingSystem;
  readonly log: (line: string) => void;
  readonly deaths: Death[];
  readonly failed: SilentRow[];
}

/** One death after the other: the life after a death is armed for the next. */
async function runLane(run: Lanes, rows: readonly FailpointRow[]): Promise<void> {
  const { living, log } = run;
  for (const [index, row] of rows.entries()) {
    const service = living.system.service(row.service);
    try {
      if (row.trigger === 'close-dies') await service.start();
      const armedAtMs = performance.now();
      const diedAtMs = await dieAt(living, row);
      log(`${nameOfRow(row)}: died after ${Math.round(diedAtMs - armedAtMs)} ms`);
      run.deaths.push({ row, armedAtMs, diedAtMs });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      run.failed.push({ name: nameOfRow(row), reason });
      log(`${nameOfRow(row)}: not shown, ${reason}`);
    }
    if (rows[index + 1]?.service !== row.service) await service.start();
  }
}

async function clear(living: LivingSystem, rows: readonly FailpointRow[]): Promise<void> {
  for (const { trigger, service } of rows) {
    await triggerOf(trigger).clear?.(living, living.system.service(service));
  }
}
