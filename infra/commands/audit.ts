/** Holds the system that is up, or one at the URLs given, to the rules about money. */
import { join } from 'node:path';
import {
  audit,
  CannotAuditError,
  fileStore,
  formatReport,
  startWatchService,
} from '@mini-pg/auditor';
import { createLogger, runService } from '@mini-pg/runtime';
import { type AuditArguments, readAuditArguments, UsageError } from '../lib/audit-arguments.ts';
import { DATA_DIR, type LocalSystem, readLocalSystem } from '../lib/local-system.ts';

const USAGE = `Usage: npm run audit [-- --postgres URL] [--simulator URL] [--bound-ms N]
       npm run audit -- --watch [--postgres URL] [--bound-ms N] [--state FILE]
                                [--interval-ms N] [--port N]

  --postgres URL   a database, as a role that may read all schemas; the system that is up
                   unless given
  --simulator URL  where the gateways' ledger is; without it the rules that compare with it
                   are left out
  --bound-ms N     how long something may be on its way, in milliseconds; 0 for a system at rest
  --watch          goes on until it is stopped: looks at what is new, due or open, says each
                   problem once, and again when it is gone; leaves the ledger to whole audits
  --state FILE     where a watch keeps how far it has come; in the data folder unless given
  --interval-ms N  how long a watch rests between two passes, 5000 unless given
  --port N         where a watch serves /metrics and /health/ready, a free one unless given

Exit code: 0 clean, or a watch that was stopped; 1 violations; 2 wrong usage or no verdict.`;

const EXIT_CLEAN = 0;
const EXIT_VIOLATIONS = 1;
const EXIT_NO_VERDICT = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const parsed = readAuditArguments(args);
    if (parsed === 'help') {
      console.log(USAGE);
      return EXIT_CLEAN;
    }
    return parsed.mode === 'watch' ? await watch(parsed) : await auditOnce(parsed);
  } catch (error) {
    if (error instanceof UsageError) console.error(`audit: ${error.message}\n\n${USAGE}`);
    else if (error instanceof CannotAuditError) console.error(`audit: ${error.message}`);
    else throw error;
    return EXIT_NO_VERDICT;
  }
}

async function auditOnce(args: Extract<AuditArguments, { mode: 'once' }>): Promise<number> {
  const { postgres, simulator, bounds } = args;
  const local = postgres === undefined ? requireUp() : undefined;
  const report = await audit({
    postgresUrl: postgres ?? requireUp().postgres,
    simulatorUrl: simulator ?? local?.simulator,
    bounds,
    log: (line) => console.error(line),
  });
  console.log(formatReport(report));
  return report.clean ? EXIT_CLEAN : EXIT_VIOLATIONS;
}

/** Runs until a signal ends the process; its log is what it has to say. */
async function watch(args: Extract<AuditArguments, { mode: 'watch' }>): Promise<number> {
  const { postgres, bounds, state, intervalMs, port } = args;
  const logger = createLogger({ service: 'auditor', level: 'info' });
  const store = fileStore(state ?? join(DATA_DIR, 'auditor.json'));
  const postgresUrl = postgres ?? requireUp().postgres;
  await runService(logger, () =>
    startWatchService({ postgresUrl, store, bounds, intervalMs, host: '127.0.0.1', port, logger }),
  );
  return EXIT_CLEAN;
}

function requireUp(): LocalSystem {
  const local = readLocalSystem();
  if (local) return local;
  throw new CannotAuditError(
    'nothing is up: `npm run up` starts the system, or name a database by --postgres URL',
  );
}
