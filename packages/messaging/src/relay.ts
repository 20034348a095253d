import type { Logger, Registry, Secret } from '@mini-pg/runtime';
import type { EventProducer } from './producer.ts';

export interface RelayOptions {
  /** A direct connection to Postgres as the service's role; no transaction pooler in between. */
  readonly connectionString: Secret;
  readonly producer: EventProducer;
  readonly topicPrefix: string;
  readonly applicationName: string;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The rest when there is nothing to send. */
  readonly idleMs?: number;
}

export interface Relay {
  /** Rows were committed: look now. */
  wake(): void;
  stop(): Promise<void>;
  readonly leading: boolean;
  /** The age of the oldest row not yet sent, in milliseconds; 0 when there is none. */
  oldestAgeMs(): number;
}

export function startRelay(_options: RelayOptions): Relay {
  throw new Error('the relay follows');
}
