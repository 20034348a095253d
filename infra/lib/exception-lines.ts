import { z } from 'zod';
import { printable } from './dead-letter-lines.ts';
import { type Column, tableLines } from './table.ts';

/** An exception as pg-processor answers it. */
export const exceptionSchema = z.looseObject({
  id: z.string(),
  kind: z.string(),
  paymentId: z.string(),
  attemptId: z.string(),
  detail: z.looseObject({ reason: z.string().optional() }),
  openedAt: z.string(),
  resolvedAt: z.string().nullable(),
  resolution: z.string().nullable(),
  resolvedBy: z.string().nullable(),
  resolvedAs: z.string().nullable(),
});

export const exceptionDetailSchema = exceptionSchema.extend({
  actions: z.array(
    z.looseObject({
      at: z.string(),
      operator: z.string(),
      action: z.string(),
      detail: z.looseObject({ reason: z.string(), pgSaid: z.string().nullish() }),
    }),
  ),
});

export type ExceptionView = z.infer<typeof exceptionSchema>;
export type ExceptionDetail = z.infer<typeof exceptionDetailSchema>;

const HEADINGS = ['id', 'kind', 'payment', 'opened', 'state', 'reason'];
const COLUMNS: readonly Column[] = HEADINGS.map((heading) => ({ heading, align: 'left' }));
const REASON_LENGTH_MAX = 80;
const LABEL_WIDTH = 12;

/** Exceptions as a table. */
export function exceptionLines(exceptions: readonly ExceptionView[]): string[] {
  if (exceptions.length === 0) return ['No exceptions.'];
  const rows = exceptions.map(({ id, kind, paymentId, openedAt, detail, ...how }) =>
    [id, kind, paymentId, openedAt, stateOf(how), shortened(detail.reason ?? '-')].map(printable),
  );
  return tableLines(COLUMNS, rows);
}

/** Everything that is known of an exception. */
export function exceptionDetailLines(exception: ExceptionDetail): string[] {
  const { id, kind, paymentId, attemptId, openedAt, detail, actions } = exception;
  const facts = { exception: id, kind, payment: paymentId, attempt: attemptId, opened: openedAt };
  const rows = Object.entries({ ...facts, ...detail, state: endOf(exception) });
  return [
    ...rows.map(([label, value]) => `${label.padEnd(LABEL_WIDTH)} ${textOf(value)}`),
    '',
    'decisions',
    ...(actions.length === 0 ? ['  none'] : []),
    ...actions.flatMap(({ at, operator, action, detail: { reason, pgSaid } }) => [
      `  ${at}  ${action} by ${operator}: ${reason}`,
      ...(pgSaid ? [`    the PG said: ${pgSaid}`] : []),
    ]),
  ].map(printable);
}

function stateOf({ resolvedAt, resolvedAs }: Pick<ExceptionView, 'resolvedAt' | 'resolvedAs'>) {
  return resolvedAt === null ? 'OPEN' : (resolvedAs ?? 'RESOLVED');
}

function endOf(exception: ExceptionView): string {
  const { resolvedAt, resolvedBy, resolution } = exception;
  if (resolvedAt === null) return 'OPEN';
  return `${stateOf(exception)} by ${resolvedBy} at ${resolvedAt}: ${resolution}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shortened(text: string): string {
  return text.length <= REASON_LENGTH_MAX ? text : `${text.slice(0, REASON_LENGTH_MAX - 3)}...`;
}
