import { inTransaction, type PostgresPool, type Queryable } from '@mini-pg/database';
import type { DataOf } from '@mini-pg/domain';
import { PoisonError, type ReceivedEvent } from '@mini-pg/messaging';
import { failpoint } from '@mini-pg/runtime';
import { storeMerchants } from '../merchants/merchant-repository.ts';
import type { ConsumedTopic } from './consumed.ts';
import { cancelFactOf, type Fact, paymentFactOf } from './fact.ts';
import { findDifferentFacts, insertFacts } from './fact-repository.ts';

type ConsumedEvent = ReceivedEvent<ConsumedTopic>;

export interface Stored {
  /** How many facts were new. */
  readonly facts: number;
  /** How many merchants changed. */
  readonly merchants: number;
}

/**
 * Stores a batch of events in one transaction. Facts have natural keys, merchants a version, so
 * what is delivered again, or late, changes nothing.
 *
 * @throws PoisonError when an id tells of other money than what is stored under it.
 */
export function storeEvents(pool: PostgresPool, events: readonly ConsumedEvent[]): Promise<Stored> {
  const facts: Fact[] = [];
  const merchants: DataOf<'merchant.updated'>[] = [];
  for (const received of events) {
    if (received.topic === 'payment.completed') facts.push(paymentFactOf(received.event));
    else if (received.topic === 'payment.cancelled') facts.push(cancelFactOf(received.event));
    else merchants.push(received.event.data);
  }
  return inTransaction(pool, async (client) => {
    const changed = await storeMerchants(client, merchants);
    const stored = { merchants: changed.length, facts: await storeFacts(client, facts) };
    failpoint('settlement-worker.facts.before-commit');
    return stored;
  });
}

async function storeFacts(client: Queryable, facts: readonly Fact[]): Promise<number> {
  const inserted = await insertFacts(client, facts);
  if (inserted.length < facts.length) {
    const [id] = await findDifferentFacts(client, facts);
    if (id !== undefined) throw new PoisonError(`fact ${id} is stored with other money`);
  }
  return inserted.length;
}
