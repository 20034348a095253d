import type { KafkaSettings } from './kafka.ts';

/** How long a consumer waits for what. All are bounds; none is a promise about speed. */
export interface ConsumerTiming {
  /** How long one call waits for a first message; a thread of the pool is taken meanwhile. */
  readonly consumeTimeoutMs: number;
  /** After this long a handler is waited for with everything paused, so that polling goes on. */
  readonly holdAfterMs: number;
  /** A handler that takes longer is taken for hanging. Well under `max.poll.interval.ms`. */
  readonly handlerDeadlineMs: number;
  readonly watchdogTickMs: number;
  /** Ticks without a round of the loop; more than a handler may take. */
  readonly loopTicksMax: number;
  /** Ticks in which something is behind and nothing moves; more than a handler may take. */
  readonly progressTicksMax: number;
  readonly statisticsMs: number;
}

export const DEFAULT_TIMING: ConsumerTiming = {
  consumeTimeoutMs: 100,
  holdAfterMs: 1_000,
  handlerDeadlineMs: 45_000,
  watchdogTickMs: 1_000,
  loopTicksMax: 90,
  progressTicksMax: 60,
  statisticsMs: 5_000,
};

export interface ConsumerIdentity {
  /** `host:port`, comma separated. */
  readonly brokers: string;
  readonly groupId: string;
  readonly clientId: string;
  /** `consumer` (KIP-848) needs brokers 4.0 and later. */
  readonly groupProtocol?: 'consumer' | 'classic';
  /**
   * How long the broker may hold events back until there are many, for a consumer that nobody waits
   * for: fewer and fuller batches. At once unless given.
   */
  readonly gatherMs?: number;
  /** Overrides of the client's settings, for tests. */
  readonly settings?: KafkaSettings;
}

const MAX_POLL_INTERVAL_MS = 300_000;
export const COMMIT_INTERVAL_MS = 1_000;
const FETCH_WAIT_MAX_MS = 50;
const FETCH_MAX_BYTES = 16 * 1024 * 1024;
/** Enough for a full batch; what is gathered until then is handed out. */
const GATHER_BYTES = 256 * 1024;
const PREFETCH_MAX_KB = 16 * 1024;
const FETCH_BACKOFF_MS = 100;
const RECONNECT_MAX_MS = 2_000;
const PREFETCH_BATCHES = 5;

/**
 * librdkafka's own keys in one object: its KafkaJS block changes defaults, and a second object
 * resets what stands in the first.
 */
export function consumerSettings(
  identity: ConsumerIdentity,
  batchMax: number,
  timing: ConsumerTiming,
): KafkaSettings {
  const classic = identity.groupProtocol === 'classic';
  return {
    'bootstrap.servers': identity.brokers,
    'client.id': identity.clientId,
    'group.id': identity.groupId,
    'group.protocol': classic ? 'classic' : 'consumer',
    // The broker's default, uniform, may give all partitions of a topic to one member of two.
    ...(classic
      ? { 'partition.assignment.strategy': 'cooperative-sticky' }
      : { 'group.remote.assignor': 'range' }),
    'enable.auto.offset.store': false,
    'enable.auto.commit': true,
    'auto.commit.interval.ms': COMMIT_INTERVAL_MS,
    'auto.offset.reset': 'error',
    'allow.auto.create.topics': false,
    'max.poll.interval.ms': MAX_POLL_INTERVAL_MS,
    ...(identity.gatherMs === undefined
      ? { 'fetch.wait.max.ms': FETCH_WAIT_MAX_MS }
      : { 'fetch.wait.max.ms': identity.gatherMs, 'fetch.min.bytes': GATHER_BYTES }),
    'fetch.max.bytes': FETCH_MAX_BYTES,
    'fetch.queue.backoff.ms': FETCH_BACKOFF_MS,
    'queued.min.messages': batchMax * PREFETCH_BATCHES,
    'queued.max.messages.kbytes': PREFETCH_MAX_KB,
    'reconnect.backoff.max.ms': RECONNECT_MAX_MS,
    'statistics.interval.ms': timing.statisticsMs,
    ...identity.settings,
  };
}
