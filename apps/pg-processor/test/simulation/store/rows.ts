/** A row by the names of its columns, as a statement writes it. */
export type Row = Record<string, unknown>;

const UNNEST = /unnest\(([^)]*)\)(?: with ordinality)? as (\w+) \(([^)]*)\)/g;

/**
 * The rows that travel to a statement as arrays, a column each, under the alias that its text gives
 * them: the text itself says which parameter is which column.
 */
export function rowsOf(text: string, values: readonly unknown[], alias: string): Row[] {
  const found = [...text.matchAll(UNNEST)].find(([, , name]) => name === alias);
  if (found === undefined) throw new Error(`the statement has no rows ${alias}`);
  const parameters = [...(found[1] ?? '').matchAll(/\$(\d+)::(\w+)/g)];
  const names = (found[3] ?? '').split(',').map((name) => name.trim());
  const columns = parameters.map(([, number, type], index) => ({
    name: names[index] ?? '',
    type: type ?? '',
    values: values[Number(number) - 1] as readonly unknown[],
  }));
  return Array.from({ length: columns[0]?.values.length ?? 0 }, (_, index) =>
    Object.fromEntries(
      columns.map(({ name, type, values: column }) => [name, asType(type, column[index])]),
    ),
  );
}

function asType(type: string, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'jsonb':
      return JSON.parse(String(value));
    case 'bigint':
      return BigInt(value as number);
    case 'timestamptz':
      return new Date(value as string).getTime();
    default:
      return value;
  }
}

/** `cancel_id` as `cancelId`: how a statement of ours names the columns that it gives. */
export function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
