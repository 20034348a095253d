import type { Migration } from '@mini-pg/database';
import * as createSettlement from './001-create-settlement.ts';
import * as cancelsWaitForPayments from './002-cancels-wait-for-payments.ts';
import * as carryNegativeStatements from './003-carry-negative-statements.ts';
import * as bookReversalsToSuspense from './004-book-reversals-to-suspense.ts';

/** Forward only; a merged migration is never edited. */
export const migrations: Record<string, Migration> = {
  '001-create-settlement': createSettlement,
  '002-cancels-wait-for-payments': cancelsWaitForPayments,
  '003-carry-negative-statements': carryNegativeStatements,
  '004-book-reversals-to-suspense': bookReversalsToSuspense,
};
