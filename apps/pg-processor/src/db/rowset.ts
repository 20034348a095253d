/** One column of rows that travel to Postgres as arrays. */
export interface RowsetColumn<Row> {
  readonly name: string;
  /** The SQL type of one value. */
  readonly type: string;
  readonly of: (row: Row) => unknown;
}

export interface Rowset<Row> {
  /** `unnest($1::a[], $2::b[]) with ordinality as <alias> (a, b, position)`. */
  from(alias: string, firstParameter?: number): string;
  /** The column names, comma separated. */
  readonly names: string;
  /** An array a column, in the order of the parameters of `from`. */
  values(rows: readonly Row[]): unknown[][];
}

/**
 * Many rows as the parameters of one statement: an array a column, so the text of the statement is
 * the same for any number of rows and can be prepared once, by name. `jsonb` values are given as
 * plain values; they are written as JSON here.
 */
export function createRowset<Row>(columns: readonly RowsetColumn<Row>[]): Rowset<Row> {
  const names = columns.map((column) => column.name).join(', ');
  return {
    names,
    from(alias, firstParameter = 1) {
      const arrays = columns.map(({ type }, index) => `$${firstParameter + index}::${type}[]`);
      return `unnest(${arrays.join(', ')}) with ordinality as ${alias} (${names}, position)`;
    },
    values(rows) {
      return columns.map(({ type, of }) => {
        const isJson = type === 'jsonb';
        return rows.map((row) => {
          const value = of(row);
          if (value === undefined || value === null) return null;
          return isJson ? JSON.stringify(value) : value;
        });
      });
    },
  };
}
