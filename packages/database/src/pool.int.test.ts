import { expect, it } from 'vitest';
import { createPool } from './pool.ts';

const ADMIN_URL = process.env.STACK_POSTGRES_URL ?? '';

it('lives on when the server ends a connection in use, and replaces that', async () => {
  const options = { connectionString: ADMIN_URL, applicationName: 'test' };
  const pool = createPool({ ...options, connectionsMax: 1 });
  const other = createPool(options);
  const held = await pool.connect();
  const { rows } = await held.query<{ pid: number }>('select pg_backend_pid() as pid');
  const ended = new Promise<void>((resolve) => held.once('end', () => resolve()));
  // Between two statements, where no query is there to be told.
  await other.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  await ended;
  await expect(held.query('select')).rejects.toThrow();
  held.release();
  expect((await pool.query('select')).rowCount).toBe(1);
  await pool.end();
  await other.end();
});
