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

const TIMEOUT_MS = 600_000;

export const relay: Bench = {
  name: 'relay',
  describe: 'Events from an outbox to Kafka, each acknowledged by the broker and then deleted.',
  async run(context) {
    const system = await startForBench(context);
    const database = openDatabase(system);
    context.atEnd(() => database.end());
    const others = system.services.filter(({ service }) => service !== 'pg-processor');
    await Promise.all(others.map((service) => service.stop()));
    const measure = async (size: number): Promise<number> => {
      await emptyPayments(database);
      await seedPayments(database, size);
      await seedApprovals(database);
      const startedAt = performance.now();
      await waitUntil('an empty outbox', () => isOutboxEmpty(database, 'processor'), TIMEOUT_MS);
      return (performance.now() - startedAt) / 1_000;
    };
    const growth = await measureGrowth(context, measure, { largestOnce: true });
    return {
      summary: [
        "Rows are put into pg-processor's outbox by one statement, as `payment.completed` events of " +
          'about 900 bytes; the time is from its commit to the empty outbox, with the one relay of ' +
          'the running service. It reads in order, publishes with the idempotent producer (`acks=all`), ' +
          'waits for every delivery report, and deletes. No other service runs.',
      ],
      expectations: [growthExpectation(growth)],
      measures: growthMeasures(growth),
      sections: [growthSection(growth, 'From outbox to Kafka', [LARGEST_ONCE])],
    };
  },
};
