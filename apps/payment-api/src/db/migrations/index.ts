import type { Migration } from '@mini-pg/database';
import * as createPayment from './001-create-payment.ts';
import * as addCancels from './002-add-cancels.ts';
import * as showPayouts from './003-show-payouts.ts';
import * as cheapenOrderIdCheck from './004-cheapen-order-id-check.ts';

/** Forward only; a merged migration is never edited. */
export const migrations: Record<string, Migration> = {
  '001-create-payment': createPayment,
  '002-add-cancels': addCancels,
  '003-show-payouts': showPayouts,
  '004-cheapen-order-id-check': cheapenOrderIdCheck,
};
