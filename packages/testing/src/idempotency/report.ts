import type { CaseResult, Verdict } from './run-suite.ts';

const WORDS: Record<Verdict, string> = {
  passed: 'pass',
  failed: 'FAIL',
  'not run': 'not run',
  'left out': 'left out',
};
const HEAD = ['case', 'sent', 'expected', 'seen', 'verdict'];

/** One line for a case. */
export function resultLine({ id, verdict, seen }: CaseResult): string {
  return `${WORDS[verdict].padEnd(8)}  ${id}${verdict === 'passed' ? '' : `: ${seen}`}`;
}

/** The whole table, and the counts below it. */
export function reportText(results: readonly CaseResult[]): string {
  const rows = results.map(rowOf);
  return [markdownTable(HEAD, rows), '', summary(results)].join('\n');
}

/** As a table of Markdown. */
export function reportTable(results: readonly CaseResult[]): string {
  return markdownTable(
    HEAD.map((name) => name.replace(/^./, (letter) => letter.toUpperCase())),
    results.map(rowOf),
  );
}

function summary(results: readonly CaseResult[]): string {
  const counts = Map.groupBy(results, ({ verdict }) => verdict);
  const words = Object.keys(WORDS) as Verdict[];
  return words.map((verdict) => `${counts.get(verdict)?.length ?? 0} ${verdict}`).join(', ');
}

function rowOf({ id, sent, expected, seen, verdict }: CaseResult): string[] {
  return [`\`${id}\``, sent, expected, seen, WORDS[verdict]];
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map(cellOf).join(' | ')} |`).join('\n');
}

function cellOf(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
}
