/** Lets services die at every step, and what they stand on break: `npm run crash-matrix`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type MatrixOptions, namesOfMatrix, runMatrix } from '@mini-pg/e2e';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { buildServices } from '../lib/build.ts';
import { onStopRequest } from '../lib/stop-request.ts';

const PAGE = 'docs/explanation/crash-matrix.md';

const USAGE = `Usage: npm run crash-matrix [-- --only PATTERN] [--short] [--mutants] [--list]

  --only PATTERN  the rows and mutants that this regular expression finds, such as a failpoint
  --short         all steps in one go, in some minutes, and not each alone
  --mutants       also breaks the system on purpose, and expects the matrix to catch it
  --list          prints the names of rows and mutants

Everything runs on servers of its own; the whole takes about an hour. Results are kept in .data and
count for the commit that they were made at, so the matrix may be run in parts. The page is
${PAGE}.
Exit code: 0 every row was run at this commit, nothing lost, nothing double, every mutant that was
run was caught; 1 otherwise; 2 wrong usage.`;

const EXIT_NOT_PROVEN = 1;
const EXIT_USAGE = 2;

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const asked = read(args);
  if (typeof asked === 'string') {
    console.error(`${asked}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  if ('print' in asked) {
    console.log(asked.print);
    return 0;
  }
  await buildServices();
  const stops: (() => Promise<void>)[] = [];
  const stopListening = onStopRequest(async (why) => {
    console.log(`stopping (${why})`);
    for (const stop of stops) await stop();
  });
  const matrix = await runMatrix({ ...asked, onStart: (stop) => stops.push(stop) });
  stopListening();
  const command = `npm run crash-matrix${args.length > 0 ? ` -- ${args.join(' ')}` : ''}`;
  writeFileSync(join(REPOSITORY_DIR, PAGE), matrix.render(command));
  console.log(`Written: ${PAGE}`);
  console.log(matrix.verdict);
  return matrix.isProven ? 0 : EXIT_NOT_PROVEN;
}

type Asked = Omit<MatrixOptions, 'onStart'>;

/** What is asked for, what is to be printed, or what is wrong. */
function read(args: string[]): Asked | { print: string } | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string' },
        short: { type: 'boolean', default: false },
        mutants: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
      strict: true,
    });
    if (values.help) return { print: USAGE };
    const names = namesOfMatrix();
    if (values.list) return { print: names.join('\n') };
    const options = {
      inLanes: values.short,
      withMutants: values.mutants,
      log: (line: string) => console.log(line),
    };
    if (values.only === undefined) return options;
    const only = new RegExp(values.only);
    if (names.some((name) => only.test(name))) return { ...options, only };
    return `There is no failpoint, row or mutant ${values.only}: --list prints their names.`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
