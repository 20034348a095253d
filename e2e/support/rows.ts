import type { Queryable } from '@mini-pg/database';

export type Row = Record<string, unknown>;

/** Inserts a row by the names of its columns; objects become JSON, defaults stay the table's. */
export async function insertRow(database: Queryable, table: string, row: Row): Promise<void> {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  await database.query(
    `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
    Object.values(row).map(asParameter),
  );
}

function asParameter(value: unknown): unknown {
  const isJson = typeof value === 'object' && value !== null && !(value instanceof Date);
  return isJson ? JSON.stringify(value) : value;
}
