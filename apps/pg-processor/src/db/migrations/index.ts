import type { Migration } from '@mini-pg/database';
import * as createProcessor from './001-create-processor.ts';
import * as createCancels from './002-create-cancels.ts';

/** Forward only; a merged migration is never edited. */
export const migrations: Record<string, Migration> = {
  '001-create-processor': createProcessor,
  '002-create-cancels': createCancels,
};
