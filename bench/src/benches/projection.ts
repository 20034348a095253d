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
          'part of it. No other service runs.',
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

async function secondsTaken(database: PostgresPool, size: number): Promise<number> {
  const { rows } = await database.query<{ count: number; seconds: number }>(
    `select count(*)::int as count,
            extract(epoch from max(recorded_at) - min(recorded_at))::float8 as seconds
     from payment.payment_fact where kind = 'APPROVED'`,
  );
  if (rows[0]?.count !== size) throw new Error(`Of ${size} outcomes ${rows[0]?.count} are facts.`);
  return rows[0].seconds;
}
