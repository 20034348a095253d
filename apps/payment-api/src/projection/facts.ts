import type { PostgresClient } from '@mini-pg/database';
import type { Delivered, OutcomeEvent } from './delivered.ts';

type FactKind = 'APPROVED' | 'FAILED' | 'CANCELLED' | 'CANCEL_FAILED' | 'SETTLED';

interface Fact {
  readonly kind: FactKind;
  readonly key: string;
  readonly sequence: number | null;
}

/** Stores the facts that events tell, each under its own key; what is there already stays. */
export async function insertFacts(
  client: PostgresClient,
  delivered: readonly Delivered[],
): Promise<void> {
  const facts = delivered.flatMap(({ event, traceId }) => {
    const fact = factOf(event);
    return fact === null ? [] : [{ event, traceId, fact }];
  });
  if (facts.length === 0) return;
  await client.query({
    name: 'projection_facts',
    text: `insert into payment_fact
             (payment_id, kind, fact_key, event_id, sequence, data, trace_id, occurred_at)
           select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::int[],
                                $6::jsonb[], $7::text[], $8::timestamptz[])
           order by 1, 2, 3
           on conflict do nothing`,
    values: [
      facts.map(({ event }) => event.data.paymentId),
      facts.map(({ fact }) => fact.kind),
      facts.map(({ fact }) => fact.key),
      facts.map(({ event }) => event.id),
      facts.map(({ fact }) => fact.sequence),
      facts.map(({ event }) => JSON.stringify(event.data)),
      facts.map(({ traceId }) => traceId),
      facts.map(({ event }) => event.time),
    ],
  });
}

function factOf(event: OutcomeEvent): Fact | null {
  switch (event.type) {
    case 'payment.completed':
      return { kind: 'APPROVED', key: event.data.attemptId, sequence: event.data.sequence };
    case 'payment.failed': {
      const { attemptId, paymentId, sequence } = event.data;
      return { kind: 'FAILED', key: attemptId ?? paymentId, sequence };
    }
    case 'payment.cancelled':
      return { kind: 'CANCELLED', key: event.data.cancelId, sequence: event.data.sequence };
    case 'payment.cancel-failed':
      return { kind: 'CANCEL_FAILED', key: event.data.cancelId, sequence: event.data.sequence };
    case 'payment.settled':
      return { kind: 'SETTLED', key: event.data.itemId, sequence: null };
    case 'payment.progressed':
      return null;
    default:
      return event satisfies never;
  }
}
