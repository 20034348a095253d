import type { AuditReport } from './audit.ts';
import type { RuleResult } from './rule.ts';

const EXAMPLES_SHOWN = 3;
const ID_HEADING = 'rule';

/** The report as plain text: a line a rule, examples below those that are broken, the verdict. */
export function formatReport(report: AuditReport): string {
  const idWidth = Math.max(ID_HEADING.length, ...report.rules.map(({ id }) => id.length));
  const countWidth = Math.max(
    'checked'.length,
    ...report.rules.map(({ checked }) => String(checked).length),
  );
  const row = (id: string, checked: string, result: string): string =>
    `${id.padEnd(idWidth)}  ${checked.padStart(countWidth)}  ${result}`;
  const lines = report.rules.flatMap((rule) => [
    row(rule.id, String(rule.checked), rule.total === 0 ? 'ok' : countOf(rule)),
    ...examplesOf(rule),
  ]);
  const left = report.leftOut.map((id) => row(id, '-', 'left out: no ledger of the gateways'));
  return [row(ID_HEADING, 'checked', 'result'), ...lines, ...left, '', verdictLine(report)].join(
    '\n',
  );
}

/** One line: clean or not, and how much that rests on. */
export function verdictLine(report: AuditReport): string {
  const checked = report.rules.reduce((sum, rule) => sum + rule.checked, 0);
  const extent = `${report.rules.length} rules, ${checked} rows checked`;
  if (report.clean) return `auditor: clean (${extent})`;
  const broken = report.rules.filter((rule) => rule.total > 0);
  const total = broken.reduce((sum, rule) => sum + rule.total, 0);
  const names = broken.map(({ id }) => id).join(', ');
  return `auditor: NOT CLEAN (${total} violations of ${names}; ${extent})`;
}

function countOf(rule: RuleResult): string {
  return rule.total === 1 ? '1 violation' : `${rule.total} violations`;
}

function examplesOf(rule: RuleResult): string[] {
  if (rule.total === 0) return [];
  const shown = rule.violations.slice(0, EXAMPLES_SHOWN).map((one) => `    ${JSON.stringify(one)}`);
  const more = rule.total - shown.length;
  return [`  ${rule.statement}`, ...shown, ...(more > 0 ? [`    and ${more} more`] : [])];
}
