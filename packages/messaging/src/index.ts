export { type Consumer, type ConsumerOptions, startConsumer } from './consumer.ts';
export type { ConsumerTiming } from './consumer-settings.ts';
export { ConsumerFatalError } from './errors.ts';
export { KafkaError } from './kafka.ts';
export { migrateService, type ServiceMigration } from './migrate-service.ts';
export { createOutboxTables, insertOutbox, type OutboxRow, toOutboxRow } from './outbox.ts';
export { PoisonError } from './process-batch.ts';
export {
  createProducer,
  type EventProducer,
  type ProducerMessage,
  type ProducerOptions,
  type PublishResult,
} from './producer.ts';
export { type PartitionProgress, readProgress } from './progress.ts';
export type { ReceivedEvent } from './received-event.ts';
export { type Relay, type RelayOptions, startRelay } from './relay.ts';
export { SealError, Sealer, type SealKey } from './sealing.ts';
export {
  type CreateTopicsOptions,
  createTopics,
  deadLetterTopic,
  deleteTopics,
  type Service,
} from './topics.ts';
