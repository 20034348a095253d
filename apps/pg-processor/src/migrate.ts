import { migrateService } from '@mini-pg/messaging';
import { exitWithError } from '@mini-pg/runtime';
import { CONSUMED_TOPICS } from './consumers/intake.ts';
import { migrations } from './db/migrations/index.ts';

await migrateService({
  service: 'pg-processor',
  environment: process.env,
  migrations,
  consumes: CONSUMED_TOPICS,
}).catch(exitWithError);
