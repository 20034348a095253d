import type { Migration } from '@mini-pg/database';
import * as createProcessor from './001-create-processor.ts';
import * as createCancels from './002-create-cancels.ts';
import * as cheapenSourceKeyCheck from './003-cheapen-source-key-check.ts';
import * as createReversals from './004-create-reversals.ts';
import * as createOperatorActions from './005-create-operator-actions.ts';
import * as allowNetCancels from './006-allow-net-cancels.ts';
import * as createRetryBudgets from './007-create-retry-budgets.ts';
import * as allowReversalsOfTheRest from './008-allow-reversals-of-the-rest.ts';

/** Forward only; a merged migration is never edited. */
export const migrations: Record<string, Migration> = {
  '001-create-processor': createProcessor,
  '002-create-cancels': createCancels,
  '003-cheapen-source-key-check': cheapenSourceKeyCheck,
  '004-create-reversals': createReversals,
  '005-create-operator-actions': createOperatorActions,
  '006-allow-net-cancels': allowNetCancels,
  '007-create-retry-budgets': createRetryBudgets,
  '008-allow-reversals-of-the-rest': allowReversalsOfTheRest,
};
