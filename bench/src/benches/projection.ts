import type { PostgresPool } from '@mini-pg/database';
import type { Bench } from '../bench.ts';
import { emptyPayments, openDatabase } from '../system/database.ts';
import { isOutboxEmpty, seedApprovals, seedPayments } from '../system/seed-outcomes.ts';
import { startForBench } from '../system/start.ts';
import { waitUntil } from '../system/wait-until.ts';
import {
  growthExpectation,
  growthMeasures,
  growthSection,
  LARGEST_ONCE,
  measureGrowth,
} from './growth.ts';

const TIMEOUT_MS = 900_000;

export const projection: Bench = {
  name: 'projection',
  describe: "Outcomes from Kafka to the merchant's view: fact, open marker, order, cache.",
  async run(context) {
    const system = await startForBench(context);
    const database = openDatabase(system);
    context.atEnd(() => database.end());
    await Promise.all(system.services.map((service) => service.stop()));
    const [api, processor] = [system.service('payment-api'), system.service('pg-processor')];
    const measure = async (size: number): Promise<number> => {
      await emptyPayments(database);
      await seedPayments(database, size);
      await seedApprovals(database);
      await processor.start();
      await waitUntil('published events', () => isOutboxEmpty(database, 'processor'), TIMEOUT_MS);
      await processor.stop();
      await api.start();
      await waitUntil('all facts', () => isProjected(database), TIMEOUT_MS);
      await api.stop();
      return secondsTaken(database, size);
    };
    const growth = await measureGrowth(context, measure, { largestOnce: true });
    return {
      summary: [
        'So many payments wait for their outcome, and so many `payment.completed` events lie in ' +
          'Kafka, published by pg-processor, before payment-api starts. It projects them: a fact ' +
          'each, the open marker removed, the status cache written, waiters told. The time is from ' +
          'the first fact to the last by the database clock, so the start of the service is not ' +
          'part of it; the last transaction counts as the others do. No other service runs.',
      ],
      expectations: [growthExpectation(growth)],
      measures: growthMeasures(growth),
      sections: [growthSection(growth, 'From Kafka to fact', [LARGEST_ONCE])],
    };
  },
};

/** By the markers that are left: the facts themselves are many to count. */
async function isProjected(database: PostgresPool): Promise<boolean> {
  const { rows } = await database.query<{ some: boolean }>(
    'select exists (select from payment.payment_open) as some',
  );
  return rows[0]?.some !== true;
}

/**
 * A fact has the time at which its transaction began. So the last transaction, whose end nobody has
 * noted, is taken to have been as quick with its rows as the others: left out, it would be a part of
 * the time that is the larger the fewer rows there are.
 */
async function secondsTaken(database: PostgresPool, size: number): Promise<number> {
  const { rows } = await database.query<{ count: number; seconds: number }>(
    `with fact as (select recorded_at from payment.payment_fact where kind = 'APPROVED'),
          span as (select min(recorded_at) as first, max(recorded_at) as last from fact)
     select count(*)::int as count,
            (extract(epoch from last - first)::float8 * count(*)
              / nullif(count(*) filter (where recorded_at < last), 0)) as seconds
     from fact, span group by first, last`,
  );
  if (rows[0]?.count !== size) throw new Error(`Of ${size} outcomes ${rows[0]?.count} are facts.`);
  return rows[0].seconds;
}
