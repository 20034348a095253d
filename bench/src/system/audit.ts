import { audit, boundsOf, formatReport } from '@mini-pg/auditor';
import type { System } from '@mini-pg/local-stack';

/** Beyond what any bench lasts: only what is wrong whenever it is seen. */
const ON_ITS_WAY_MS = 86_400_000;

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
  if (!report.clean) throw new Error(`The books are not clean:\n${formatReport(report)}`);
}
