import { type AuditReport, audit, boundsOf, formatReport } from '@mini-pg/auditor';
import type { System } from '@mini-pg/local-stack';
import { waitUntil } from './wait-until.ts';

/** Beyond what any bench lasts: only what is wrong whenever it is seen. */
const ON_ITS_WAY_MS = 86_400_000;
const REST_TIMEOUT_MS = 120_000;

/**
 * Holds a system in which some services are stopped to the rules about money: what they would have
 * done may be missing, what is there must be right.
 *
 * @throws Error with the auditor's report
 */
export async function auditUnfinished(system: System): Promise<void> {
  const report = await audit({
    postgresUrl: system.postgres,
    bounds: boundsOf(ON_ITS_WAY_MS),
  });
  if (!report.clean) throw notClean(report);
}

/**
 * Waits until the whole system has come to rest and the auditor finds nothing, the gateway's ledger
 * included.
 *
 * @throws Error with the auditor's last report
 */
export async function auditAtRest(system: System): Promise<void> {
  let last: AuditReport | undefined;
  const isClean = async (): Promise<boolean> => {
    last = await audit({
      postgresUrl: system.postgres,
      simulatorUrl: system.simulator,
      bounds: boundsOf(0),
    });
    return last.clean;
  };
  await waitUntil('a clean audit', isClean, REST_TIMEOUT_MS).catch((error: unknown) => {
    throw last === undefined ? error : notClean(last);
  });
}

function notClean(report: AuditReport): Error {
  return new Error(`The books are not clean:\n${formatReport(report)}`);
}
