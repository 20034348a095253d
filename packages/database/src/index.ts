export type { Generated, Kysely } from 'kysely';
export { sql } from 'kysely';
export type { Migration } from 'kysely/migration';
export * from './cannot-connect.ts';
export * from './errors.ts';
export * from './migrate.ts';
export * from './pool.ts';
export * from './provision.ts';
export * from './transaction.ts';
