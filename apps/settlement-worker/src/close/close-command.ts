import { parseArgs } from 'node:util';
import { businessDateSchema } from '@mini-pg/domain';
import type { CloseResult } from './close-days.ts';
import type { RunSummary } from './summary.ts';

export const CLOSE_USAGE = `Usage: close --date YYYY-MM-DD

Closes a business day (Asia/Seoul) and, before it, each earlier day that is open: makes the items
and statements of every merchant, checks that all totals agree, and publishes them. Run again, or
after it was interrupted, it goes on where it stopped; a day that is closed stays as it is.

  --date   the day to close; today may be closed early, a future day may not
  --help   this text

Exit code: 0 closed, now or before; 1 it could not be closed, and the reason; 2 wrong usage.
Environment: DATABASE_URL, KAFKA_BROKERS, TOPIC_PREFIX, LOG_LEVEL.
`;

/** The command was called in a way that it does not take. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type CloseArguments = { readonly help: true } | { readonly date: string };

/** @throws UsageError that says in one line what is wrong and what to do. */
export function parseCloseArguments(argv: readonly string[]): CloseArguments {
  const { date, help } = parse(argv);
  if (help) return { help: true };
  if (date === undefined) throw new UsageError('--date is missing: give --date YYYY-MM-DD');
  if (!businessDateSchema.safeParse(date).success) {
    throw new UsageError(`--date ${JSON.stringify(date)} is no date: give --date YYYY-MM-DD`);
  }
  return { date };
}

function parse(argv: readonly string[]): { date?: string | undefined; help?: boolean | undefined } {
  try {
    return parseArgs({
      args: [...argv],
      options: { date: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }).values;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('. ')[0] : 'wrong arguments';
    throw new UsageError(`${reason}: give --date YYYY-MM-DD, or --help`);
  }
}

/** What the command prints of a result, a line each. */
export function describeResult(date: string, result: CloseResult): string[] {
  if (result.outcome === 'closed') return result.days.flatMap(describeDay);
  const { lastClosed } = result;
  return [
    date === lastClosed
      ? `${date} is already closed; nothing changed`
      : `${date} is before ${lastClosed}, the last closed day; nothing changed`,
  ];
}

function describeDay({ date, statements, factsHeld, totals }: RunSummary): string[] {
  const lines = totals.map(
    ({ currency, count, gross, fee, vat, net }) =>
      `${date} ${currency}: ${count} items, gross ${gross}, fee ${fee}, VAT ${vat}, net ${net}`,
  );
  const held =
    factsHeld > 0n
      ? [
          `${date} left out: ${factsHeld} facts that lack a merchant, terms or payment; ` +
            'a later close takes them',
        ]
      : [];
  return [`${date} closed: ${statements} statements`, ...lines, ...held];
}
