import { assertMigrated, connecting, createKysely, createPool } from '@mini-pg/database';
import {
  ConfigError,
  createLogger,
  exitWithError,
  type Secret,
  systemClock,
} from '@mini-pg/runtime';
import {
  CLOSE_USAGE,
  describeResult,
  parseCloseArguments,
  UsageError,
} from './close/close-command.ts';
import { closeDays, refuseFuture } from './close/close-days.ts';
import { CloseDateError } from './close/errors.ts';
import { readCommandConfig } from './config.ts';
import { migrations } from './db/migrations/index.ts';
import { readFactsProgress } from './facts/consumed.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function close(): Promise<void> {
  const parsed = parseCloseArguments(process.argv.slice(2));
  if ('help' in parsed) return void process.stdout.write(CLOSE_USAGE);
  refuseFuture(parsed.date, systemClock.now());
  // Whoever runs it reads its words; the log is for when something is wrong.
  const config = readCommandConfig({ LOG_LEVEL: 'warn', ...process.env });
  await checkSchema(config.DATABASE_URL);
  const result = await closeDays(parsed.date, {
    connectionString: config.DATABASE_URL,
    readProgress: () => readFactsProgress(config),
    requestedBy: 'command',
    clock: systemClock,
    logger: createLogger(
      { service: 'settlement-worker-close', level: config.LOG_LEVEL },
      process.stderr,
    ),
  });
  for (const line of describeResult(parsed.date, result)) process.stdout.write(`${line}\n`);
}

/** Books are not closed by another version than the one that the schema was made for. */
async function checkSchema(databaseUrl: Secret): Promise<void> {
  const url = databaseUrl.reveal();
  await connecting({ url, setting: 'DATABASE_URL' }, async () => {
    const pool = createPool({
      connectionString: url,
      applicationName: 'settlement-worker.close',
      connectionsMax: 1,
    });
    try {
      await assertMigrated(createKysely<unknown>(pool), migrations);
    } finally {
      await pool.end();
    }
  });
}

await close().catch((error: unknown) => {
  if (error instanceof ConfigError) exitWithError(error);
  const isUsage = error instanceof UsageError || error instanceof CloseDateError;
  process.stderr.write(`close: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(isUsage ? EXIT_USAGE : EXIT_FAILED);
});
