import { createLogger, createRegistry, Secret } from '@mini-pg/runtime';
import { createProducer } from '../src/producer.ts';
import { startRelay } from '../src/relay.ts';

/** A process that relays, for tests that pause or kill one. Says what happens on its output. */
const [, , connectionString = '', brokers = '', topicPrefix = ''] = process.argv;
const logger = createLogger({ service: 'relay-process', level: 'info' });
const registry = createRegistry('relay-process');
const producer = await createProducer({ brokers, clientId: 'relay-process', logger, registry });
startRelay({
  connectionString: new Secret(connectionString),
  producer,
  topicPrefix,
  applicationName: 'relay-process',
  logger,
  registry,
});
