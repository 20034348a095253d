export { type Consumer, type ConsumerOptions, startConsumer } from './consumer.ts';
export type { ConsumerTiming } from './consumer-settings.ts';
export type { DeadLetter, DeadLetterResolution } from './dead-letter-history.ts';
export { type DeadLetterId, formatDeadLetterId, parseDeadLetterId } from './dead-letter-id.ts';
export {
  type DeadLetterCluster,
  type DeadLetterDecision,
  type DeadLetterDetail,
  DeadLetterError,
  type DeadLetterRefusal,
  type DeadLetterResult,
  deadLetterDecisionSchema,
  discardDeadLetter,
  listDeadLetters,
  replayDeadLetter,
  showDeadLetter,
} from './dead-letter-operations.ts';
export { ConsumerFatalError } from './errors.ts';
export { KafkaError } from './kafka.ts';
export { type LogRange, type LogReader, openLogReader } from './log-reader.ts';
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
export { createRelay, type Relay, type RelayOptions, startRelay } from './relay.ts';
export { SealError, Sealer, type SealKey, sealKeysSchema } from './sealing.ts';
export {
  type CreateTopicsOptions,
  createTopics,
  deadLetterTopic,
  deleteTopics,
  type Service,
} from './topics.ts';
