import type { Counter, Gauge, Histogram, Registry } from '@mini-pg/runtime';
import { createMetrics } from './metrics.ts';

/** What an operator sees of a consumer. Alert on lag, on retries and on any dead letter. */
export interface ConsumerMetrics {
  readonly lag: Gauge<'group' | 'topic' | 'partition'>;
  readonly batchSize: Histogram<'group'>;
  readonly handleSeconds: Histogram<'group'>;
  readonly eventsTotal: Counter<'group' | 'topic'>;
  readonly retriesTotal: Counter<'group'>;
  readonly deadLettersTotal: Counter<'group' | 'topic' | 'kind'>;
  readonly rebalancesTotal: Counter<'group' | 'kind'>;
  readonly skippedOffsetsTotal: Counter<'group' | 'topic'>;
}

const BATCH_SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000];
const HANDLE_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export function createConsumerMetrics(registry: Registry): ConsumerMetrics {
  const { counter, gauge, histogram } = createMetrics(registry);
  return {
    lag: gauge('kafka_consumer_lag', 'Messages not yet handled', 'group', 'topic', 'partition'),
    batchSize: histogram('kafka_consumer_batch_size', 'Events per call', BATCH_SIZES, 'group'),
    handleSeconds: histogram(
      'kafka_consumer_handle_seconds',
      'Time of a call of the handler',
      HANDLE_SECONDS,
      'group',
    ),
    eventsTotal: counter('kafka_consumer_events_total', 'Events handled', 'group', 'topic'),
    retriesTotal: counter(
      'kafka_consumer_retries_total',
      'Batches tried again after a failure that may pass',
      'group',
    ),
    deadLettersTotal: counter(
      'kafka_dead_letters_total',
      'Messages given up, by what was wrong: parse, schema, poison, failed',
      'group',
      'topic',
      'kind',
    ),
    rebalancesTotal: counter('kafka_consumer_rebalances_total', 'Rebalances', 'group', 'kind'),
    skippedOffsetsTotal: counter(
      'kafka_consumer_skipped_offsets_total',
      'Offsets of topics that are not compacted which never came',
      'group',
      'topic',
    ),
  };
}
