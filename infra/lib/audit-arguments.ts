import { parseArgs } from 'node:util';
import { type AuditBounds, boundsOf, DEFAULT_BOUNDS } from '@mini-pg/auditor';

/** What somebody typed is no audit; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Undefined URLs are those of the system that is up. */
export type AuditArguments =
  | {
      readonly mode: 'once';
      readonly postgres: string | undefined;
      readonly simulator: string | undefined;
      readonly bounds: AuditBounds;
    }
  | {
      readonly mode: 'watch';
      readonly postgres: string | undefined;
      readonly bounds: AuditBounds;
      readonly state: string | undefined;
      readonly intervalMs: number;
      readonly port: number;
    };

const INTERVAL_MS = 5_000;
const INTERVAL_MAX_MS = 60 * 60_000;
const BOUND_MAX_MS = 999_999_999_999;
const PORT_MAX = 65_535;
const OPTIONS = {
  postgres: { type: 'string' },
  simulator: { type: 'string' },
  'bound-ms': { type: 'string' },
  watch: { type: 'boolean', default: false },
  state: { type: 'string' },
  'interval-ms': { type: 'string' },
  port: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;
/** What belongs to one way of auditing only. */
const OF_WATCH = ['state', 'interval-ms', 'port'] as const;

/** @throws UsageError */
export function readAuditArguments(args: readonly string[]): AuditArguments | 'help' {
  const values = parse(args);
  if (values.help) return 'help';
  const { postgres, simulator, state } = values;
  const bounds =
    values['bound-ms'] === undefined
      ? DEFAULT_BOUNDS
      : boundsOf(readInteger('--bound-ms', values['bound-ms'], 0, BOUND_MAX_MS));
  for (const [name, value] of Object.entries({ postgres, simulator, state })) {
    if (value === '') throw new UsageError(`--${name}: give a value`);
  }
  if (!values.watch) {
    const stray = OF_WATCH.find((name) => values[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} needs --watch`);
    return { mode: 'once', postgres, simulator, bounds };
  }
  if (postgres !== undefined && !/^postgres(ql)?:\/\/./.test(postgres)) {
    throw new UsageError('--postgres: give a URL, postgres://user:password@host:port/database');
  }
  if (simulator !== undefined) {
    throw new UsageError('--simulator: a watch leaves the ledger to whole audits');
  }
  const intervalMs = readInteger(
    '--interval-ms',
    values['interval-ms'] ?? String(INTERVAL_MS),
    1,
    INTERVAL_MAX_MS,
  );
  const port = readInteger('--port', values.port ?? '0', 0, PORT_MAX);
  return { mode: 'watch', postgres, bounds, state, intervalMs, port };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readInteger(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option} ${text}: give an integer from ${min} to ${max}`);
}
