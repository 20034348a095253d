import type { Fact } from './machine.ts';
import type { Expectation, Report, Section, Table } from './report.ts';

/** What stands above every report: which bench, how it was run, where and on what. */
export interface RunFacts {
  readonly name: string;
  readonly describe: string;
  readonly command: string;
  readonly at: Date;
  readonly rounds: number;
  readonly facts: readonly Fact[];
}

/** A report as a page of Markdown. */
export function renderReport(report: Report, facts: RunFacts): string {
  const blocks = [
    `# ${facts.name}`,
    facts.describe,
    ...report.summary,
    ...(report.expectations.length > 0 ? expectations(report.expectations) : []),
    ...report.sections.flatMap(section),
    ...circumstances({ ...facts, rounds: report.rounds ?? facts.rounds }),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function expectations(all: readonly Expectation[]): string[] {
  return [
    '## Expected and measured',
    table({
      columns: ['What', 'Expected', 'Measured', ''],
      rows: all.map(({ what, wanted, measured, isMet }) => [
        what,
        wanted,
        measured,
        isMet ? 'met' : '**not met**',
      ]),
    }),
  ];
}

function section(one: Section): string[] {
  return [
    `## ${one.heading}`,
    ...(one.text ?? []),
    ...(one.table === undefined ? [] : [table(one.table)]),
  ];
}

export function table({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function circumstances({ command, at, rounds, facts }: RunFacts): string[] {
  const spread =
    rounds === 1 ? 'One run.' : `Medians of ${rounds} runs, least and greatest beside.`;
  return [
    '## Circumstances',
    `${spread} Run by \`${command}\` on ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
    table({ columns: ['', ''], rows: facts.map(({ name, value }) => [name, value]) }),
  ];
}
