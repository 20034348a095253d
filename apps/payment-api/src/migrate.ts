import { migrateService } from '@mini-pg/messaging';
import { exitWithError } from '@mini-pg/runtime';
import { migrations } from './db/migrations/index.ts';
import { OUTCOME_TOPICS } from './projection/delivered.ts';
import { SETTLEMENT_TOPICS } from './settlements/projection.ts';

await migrateService({
  service: 'payment-api',
  environment: process.env,
  migrations,
  consumes: [...OUTCOME_TOPICS, ...SETTLEMENT_TOPICS],
}).catch(exitWithError);
