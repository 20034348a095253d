import type { Queryable } from '@mini-pg/database';

export type Row = Record<string, unknown>;

/** Inserts a row by the names of its columns; objects become JSON, defaults stay the table's. */
export function insertRow(database: Queryable, table: string, row: Row): Promise<void> {
  return insertRows(database, table, [row]);
}

/** Inserts rows of the same columns by one statement. */
export async function insertRows(
  database: Queryable,
  table: string,
  rows: readonly Row[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const places = rows.map(
    (_, row) =>
      `(${columns.map((_, column) => `$${row * columns.length + column + 1}`).join(', ')})`,
  );
  await database.query(
    `insert into ${table} (${columns.join(', ')}) values ${places.join(', ')}`,
    rows.flatMap((row) => columns.map((column) => asParameter(row[column]))),
  );
}

function asParameter(value: unknown): unknown {
  const isJson = typeof value === 'object' && value !== null && !(value instanceof Date);
  return isJson ? JSON.stringify(value) : value;
}
