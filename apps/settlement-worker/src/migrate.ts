import { migrateService } from '@mini-pg/messaging';
import { exitWithError } from '@mini-pg/runtime';
import { seedCalendar } from './calendar/calendar-seed.ts';
import { migrations } from './db/migrations/index.ts';
import { CONSUMED_TOPICS } from './facts/consumed.ts';

await migrateService({
  service: 'settlement-worker',
  environment: process.env,
  migrations,
  consumes: CONSUMED_TOPICS,
  seed: seedCalendar,
}).catch(exitWithError);
