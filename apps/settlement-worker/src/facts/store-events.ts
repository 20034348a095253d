import { inTransaction, type PostgresPool, type Queryable } from '@mini-pg/database';
import type { DataOf } from '@mini-pg/domain';
import { PoisonError, type ReceivedEvent } from '@mini-pg/messaging';
import { failpoint } from '@mini-pg/runtime';
import { storeMerchants } from '../merchants/merchant-repository.ts';
import { type Posting, postingsOf } from '../suspense/posting.ts';
import { findDifferentPostings, insertPostings } from '../suspense/posting-repository.ts';
import type { ConsumedTopic } from './consumed.ts';
import { cancelFactOf, type Fact, paymentFactOf } from './fact.ts';
import { findDifferentFacts, insertFacts } from './fact-repository.ts';

/** In and out again. */
const POSTINGS_PER_REVERSAL = 2;

type ConsumedEvent = ReceivedEvent<ConsumedTopic>;

export interface Stored {
  /** How many facts were new. */
  readonly facts: number;
  /** How many merchants changed. */
  readonly merchants: number;
  /** How many reversals were new in suspense. */
  readonly reversals: number;
}

/** A batch of events as what is stored of them. */
interface Batch {
  readonly facts: Fact[];
  readonly postings: Posting[];
  readonly merchants: DataOf<'merchant.updated'>[];
}

/**
 * Stores a batch of events in one transaction. Facts and postings have natural keys, merchants a
 * version, so what is delivered again, or late, changes nothing.
 *
 * @throws PoisonError when an id tells of other money than what is stored under it.
 */
export function storeEvents(pool: PostgresPool, events: readonly ConsumedEvent[]): Promise<Stored> {
  const batch = sort(events);
  return inTransaction(pool, async (client) => {
    const changed = await storeMerchants(client, batch.merchants);
    const stored = {
      merchants: changed.length,
      facts: await storeFacts(client, batch.facts),
      reversals: await storeReversals(client, batch.postings),
    };
    failpoint('settlement-worker.facts.before-commit');
    return stored;
  });
}

function sort(events: readonly ConsumedEvent[]): Batch {
  const batch: Batch = { facts: [], postings: [], merchants: [] };
  for (const received of events) {
    switch (received.topic) {
      case 'payment.completed':
        batch.facts.push(paymentFactOf(received.event));
        break;
      case 'payment.cancelled':
        batch.facts.push(cancelFactOf(received.event));
        break;
      case 'payment.reversed':
        batch.postings.push(...postingsOf(received.event));
        break;
      case 'merchant.updated':
        batch.merchants.push(received.event.data);
        break;
      default:
        received satisfies never;
    }
  }
  return batch;
}

async function storeFacts(client: Queryable, facts: readonly Fact[]): Promise<number> {
  const inserted = await insertFacts(client, facts);
  if (inserted.length < facts.length) {
    const [id] = await findDifferentFacts(client, facts);
    if (id !== undefined)
      throw new PoisonError(`fact ${id} is stored with other money, or another one for it`);
  }
  return inserted.length;
}

async function storeReversals(client: Queryable, postings: readonly Posting[]): Promise<number> {
  const inserted = await insertPostings(client, postings);
  if (inserted < postings.length) {
    const [id] = await findDifferentPostings(client, postings);
    if (id !== undefined) {
      throw new PoisonError(`attempt ${id} is in suspense with other money, or another one for it`);
    }
  }
  return inserted / POSTINGS_PER_REVERSAL;
}
