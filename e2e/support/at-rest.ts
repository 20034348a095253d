import { type AuditReport, audit, boundsOf, formatReport } from '@mini-pg/auditor';
import type { System } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';

const REST_TIMEOUT_MS = 60_000;
const AUDIT_INTERVAL_MS = 250;

/**
 * Waits until the auditor finds nothing, with no time allowed for anything that is on its way: a
 * system at rest. What is wrong for good never becomes right, and fails with the report.
 */
export async function expectCleanAtRest(system: System): Promise<AuditReport> {
  let last: AuditReport | undefined;
  try {
    return await waitFor(
      async () => {
        last = await audit({
          postgresUrl: system.postgres,
          simulatorUrl: system.simulator,
          bounds: boundsOf(0),
        });
        return last.clean ? last : undefined;
      },
      { what: 'a clean audit', timeoutMs: REST_TIMEOUT_MS, intervalMs: AUDIT_INTERVAL_MS },
    );
  } catch (error) {
    if (last === undefined) throw error;
    throw new Error(`The system does not come to a clean rest:\n${formatReport(last)}`, {
      cause: error,
    });
  }
}

/** How many things a rule of a report was held to. */
export function checkedBy(report: AuditReport, rule: string): number {
  return report.rules.find(({ id }) => id === rule)?.checked ?? 0;
}
