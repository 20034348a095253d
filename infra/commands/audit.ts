/** Holds the system that is up, or one at the URLs given, to the rules about money. */
import { parseArgs } from 'node:util';
import {
  type AuditOptions,
  audit,
  boundsOf,
  CannotAuditError,
  DEFAULT_BOUNDS,
  formatReport,
} from '@mini-pg/auditor';
import { readLocalSystem } from '../lib/local-system.ts';

const USAGE = `Usage: npm run audit [-- --postgres URL] [--simulator URL] [--bound-ms N]

  --postgres URL   a database, as a role that may read all schemas; the system that is up
                   unless given
  --simulator URL  where the gateways' ledger is; without it the rules that compare with it
                   are left out
  --bound-ms N     how long something may be on its way, in milliseconds; 0 for a system at rest

Exit code: 0 clean, 1 violations, 2 no verdict.`;

const EXIT_CLEAN = 0;
const EXIT_VIOLATIONS = 1;
const EXIT_NO_VERDICT = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const options = readOptions(args);
    if (options === 'help') {
      console.log(USAGE);
      return EXIT_CLEAN;
    }
    const report = await audit(options);
    console.log(formatReport(report));
    return report.clean ? EXIT_CLEAN : EXIT_VIOLATIONS;
  } catch (error) {
    if (!(error instanceof CannotAuditError)) throw error;
    console.error(`audit: ${error.message}`);
    return EXIT_NO_VERDICT;
  }
}

function readOptions(args: string[]): AuditOptions | 'help' {
  const { postgres, simulator, 'bound-ms': boundMs, help } = parse(args);
  if (help) return 'help';
  const bounds = boundMs === undefined ? DEFAULT_BOUNDS : boundsOf(readBound(boundMs));
  const log = (line: string): void => console.error(line);
  if (postgres !== undefined)
    return { postgresUrl: postgres, simulatorUrl: simulator, bounds, log };
  const local = readLocalSystem();
  if (!local) {
    throw new CannotAuditError(
      'nothing is up: `npm run up` starts the system, or name a database by --postgres URL',
    );
  }
  return {
    postgresUrl: local.postgres,
    simulatorUrl: simulator ?? local.simulator,
    bounds,
    log,
  };
}

function parse(args: string[]) {
  try {
    const options = {
      postgres: { type: 'string' },
      simulator: { type: 'string' },
      'bound-ms': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    return parseArgs({ args, options, strict: true }).values;
  } catch (error) {
    throw new CannotAuditError(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  }
}

function readBound(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new CannotAuditError(`--bound-ms ${text}: give milliseconds as an integer of 0 or more`);
}
