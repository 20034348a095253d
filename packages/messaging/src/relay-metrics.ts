import type { Counter, Gauge, Histogram, Registry } from '@mini-pg/runtime';
import { createMetrics } from './metrics.ts';

/** What an operator sees of the outbox. Alert on the age, on any dead row, and on no leader. */
export interface RelayMetrics {
  readonly leading: Gauge;
  readonly oldestAgeSeconds: Gauge;
  readonly batchRows: Histogram;
  readonly publishedTotal: Counter<'topic'>;
  readonly publishFailuresTotal: Counter<'topic'>;
  readonly deadTotal: Counter<'topic'>;
  readonly deadRows: Gauge;
}

const BATCH_ROWS = [1, 2, 5, 10, 50, 100, 250, 500, 1000];

export function createRelayMetrics(registry: Registry): RelayMetrics {
  const { counter, gauge, histogram } = createMetrics(registry);
  return {
    leading: gauge('outbox_relay_leading', '1 while this process relays its schema'),
    oldestAgeSeconds: gauge('outbox_oldest_age_seconds', 'Age of the oldest row not yet sent'),
    batchRows: histogram('outbox_batch_rows', 'Rows per batch', BATCH_ROWS),
    publishedTotal: counter('outbox_published_total', 'Rows published and deleted', 'topic'),
    publishFailuresTotal: counter(
      'outbox_publish_failures_total',
      'Rows that Kafka did not take and that are tried again',
      'topic',
    ),
    deadTotal: counter(
      'outbox_dead_total',
      'Rows moved to outbox_dead because they can never be published',
      'topic',
    ),
    deadRows: gauge('outbox_dead_rows', 'Rows in outbox_dead, counted by the leader'),
  };
}
