import { createLogger, createRegistry } from '@mini-pg/runtime';
import { startConsumer } from '../src/consumer.ts';
import { COMMIT_INTERVAL_MS } from '../src/consumer-settings.ts';
import { createProducer } from '../src/producer.ts';
import { openPool } from './support.ts';

/** A process that dies between the commit of its handler and that of the offset. */
const [, , connectionString = '', brokers = '', topicPrefix = '', groupId = ''] = process.argv;
const logger = createLogger({ service: 'consumer-process', level: 'info' });
const registry = createRegistry('consumer-process');
const producer = await createProducer({ brokers, clientId: 'consumer-process', logger, registry });
const pool = openPool(connectionString);
await startConsumer({
  brokers,
  groupId,
  clientId: 'consumer-process',
  topics: ['payment.progressed'],
  topicPrefix,
  producer,
  logger,
  registry,
  handle: async (events) => {
    const names = events.map(({ event }) => event.data.detail);
    await pool.query('insert into seen select * from unnest($1::text[])', [names]);
    // Time enough for an offset that was stored too early to be committed.
    await new Promise((resolve) => setTimeout(resolve, COMMIT_INTERVAL_MS * 2));
    process.kill(process.pid, 'SIGKILL');
  },
});
