import type { AuditReport } from '@mini-pg/auditor';
import type { System } from '@mini-pg/local-stack';
import type { Subject } from '../subject.ts';
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
export async function auditUnfinished({ auditor }: Subject, system: System): Promise<void> {
  const report = await auditor.audit({
    postgresUrl: system.postgres,
    bounds: auditor.boundsOf(ON_ITS_WAY_MS),
  });
  if (!report.clean) throw notClean(auditor.formatReport(report));
}

/**
 * Waits until the whole system has come to rest and the auditor finds nothing, the gateway's ledger
 * included.
 *
 * @throws Error with the auditor's last report
 */
export async function auditAtRest({ auditor }: Subject, system: System): Promise<void> {
  let last: AuditReport | undefined;
  const isClean = async (): Promise<boolean> => {
    last = await auditor.audit({
      postgresUrl: system.postgres,
      simulatorUrl: system.simulator,
      bounds: auditor.boundsOf(0),
    });
    return last.clean;
  };
  await waitUntil('a clean audit', isClean, REST_TIMEOUT_MS).catch((error: unknown) => {
    throw last === undefined ? error : notClean(auditor.formatReport(last));
  });
}

function notClean(report: string): Error {
  return new Error(`The books are not clean:\n${report}`);
}
