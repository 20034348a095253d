import { createKysely, type Migration, type PostgresPool } from '@mini-pg/database';
import { type EventOf } from '@mini-pg/domain';
import { type Logger } from '@mini-pg/runtime';
export declare const silent: Logger;
export declare const OUTBOX_MIGRATIONS: Record<string, Migration>;
export declare function uniquePrefix(): string;
export declare function openPool(connectionString: string): PostgresPool;
export { createKysely };
/** A small public event; `note` tells one from another. */
export declare function merchantUpdated(
  note: string,
  merchantId?: string,
): EventOf<'merchant.updated'>;
export interface ReadMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Record<string, string>;
}
/** Everything that stands in a topic, partition by partition in the order of offsets. */
export declare function readTopic(brokers: string, topic: string): Promise<ReadMessage[]>;
//# sourceMappingURL=support.d.ts.map
