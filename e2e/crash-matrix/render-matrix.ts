import { describeMachine, table } from '@mini-pg/bench';
import type { Kept, KeptRow, SilentRow } from './kept-results.ts';
import { MUTANTS } from './mutants.ts';
import { isSound } from './row-result.ts';

/** What a matrix says as a whole. */
export interface Standing {
  readonly isProven: boolean;
  /** Rows that nobody has run at this commit. */
  readonly missing: readonly string[];
  /** The names of the rows that are steps; the others are blows from outside. */
  readonly steps: readonly string[];
}

/** The matrix as a page of Markdown. */
export function renderMatrix(kept: Kept, standing: Standing, command: string): string {
  const { rows, skipped, failed } = kept;
  const isStep = ({ name }: KeptRow): boolean => standing.steps.includes(name);
  const sum = (of: (row: KeptRow) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const [lost, double] = [sum((row) => row.lost.length), sum((row) => row.double.length)];
  const sent = sum((row) => row.sent).toLocaleString('en-US');
  const missing = standing.missing.length;
  const blocks = [
    '# The crash matrix',
    INTRODUCTION,
    `${rows.length} rows, ${sent} orders: **${lost} lost, ${double} double**.`,
    ...(missing > 0 ? [`**${missing} rows were not run at this commit.**`] : []),
    ...silent('Not shown', failed),
    ...silent('Left out on this machine', skipped),
    '## Steps at which a service dies',
    STEPS_TEXT,
    rowsTable(rows.filter(isStep)),
    '## Blows from outside',
    FAULTS_TEXT,
    rowsTable(rows.filter((row) => !isStep(row))),
    ...mutantsSection(kept),
    '## Circumstances',
    `Run by \`${command}\`, last on ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
    table({
      columns: ['', ''],
      rows: describeMachine().map(({ name, value }) => [name, value]),
    }),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const INTRODUCTION = `What becomes of payments when a process dies, at every step where it can, and when what it stands on breaks. This page is written by \`npm run crash-matrix\`; nobody edits it.

Each row is one blow to one system at work: orders arrive at a constant rate, half of them with faults of their own (an answer lost, a call cut, a capture that shows late, a request sent twice, two payments on one source), at a simulated gateway that charges every new key again. After the blow and the next life the system comes to rest. *Lost* is a payment that somebody was told of and that cannot be found or has no end, and an order that was never taken; *double* is a payment made, captured, approved or settled twice. Every row ends with the [auditor](../../packages/auditor/README.md), which allows nothing to be on its way any more; a rule that is broken makes a row fail, whatever it counts.

*Resolved* is more or less than *sent*: some orders are refused on purpose, and make no payment. *Recovered* is the time from the blow until all that was sent before it had its end. A lease of 12 s lies in it wherever a call was under way, since nobody may touch a call before that, and half a minute where a request died before its commit: so long its key is taken.`;

const STEPS_TEXT =
  'The service kills itself there by SIGKILL, without a word to anybody, and is started again ([0029](../adr/0029-failpoints-in-the-services.md)). The list is that of the code: a step without a row does not compile.';

const FAULTS_TEXT =
  'On servers that belong to the run. A pair of services and servers is cut and silenced by a proxy between the two.';

function rowsTable(rows: readonly KeptRow[]): string {
  return table({
    columns: ['Row', 'What stands then', 'Sent', 'Resolved', 'Recovered', 'Lost', 'Double'],
    rows: rows.map((row) => [
      isSound(row) ? row.name : `**${row.name}**`,
      row.what,
      String(row.sent),
      String(row.resolved),
      row.recoveredMs === null ? 'never' : `${(row.recoveredMs / 1_000).toFixed(1)} s`,
      String(row.lost.length),
      String(row.double.length),
    ]),
  });
}

function silent(heading: string, rows: readonly SilentRow[]): string[] {
  if (rows.length === 0) return [];
  const list = rows.map(({ name, reason }) => `- ${name}: ${reason.split('\n')[0]}`);
  return [`${heading}:\n\n${list.join('\n')}`];
}

function mutantsSection({ mutants }: Kept): string[] {
  if (mutants.length === 0) return [];
  return [
    '## That the proof can fail',
    'The system is broken on purpose, by a patch on a copy of its sources, and has to be caught by the rows above or by the auditor.',
    table({
      columns: ['Broken', 'How', 'Caught by', 'As'],
      rows: mutants.map(({ name, caughtBy }) => [
        name,
        MUTANTS.find((mutant) => mutant.name === name)?.what ?? '',
        caughtBy?.row ?? '**nothing**',
        caughtBy ? caughtBy.problem.replaceAll('|', '/') : '',
      ]),
    }),
  ];
}
