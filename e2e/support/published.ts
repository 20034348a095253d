import { createPool } from '@mini-pg/database';
import type { System } from '@mini-pg/local-stack';
import { openLogReader } from '@mini-pg/messaging';
import { z } from 'zod';

const eventSchema = z.object({ id: z.string() });

/** The ids of the events that wait in an outbox, in their order, and how long the oldest has. */
export interface Waiting {
  readonly ids: readonly string[];
  readonly oldestMs: number;
}

/** What waits in the outbox of a schema. */
export async function waitingIn(system: System, schema: 'payment' | 'processor'): Promise<Waiting> {
  const pool = createPool({
    connectionString: system.postgres,
    applicationName: 'test',
    connectionsMax: 1,
  });
  try {
    const { rows } = await pool.query<{ id: string; age: number }>(`
      select event_id as id, (extract(epoch from now() - created_at) * 1000)::float8 as age
      from ${schema}.outbox order by seq`);
    return { ids: rows.map(({ id }) => id), oldestMs: Math.max(0, ...rows.map(({ age }) => age)) };
  } finally {
    await pool.end();
  }
}

/** The ids of the events in the logs of topics, a list for each partition, each id where it is first. */
export async function publishedIn(
  { kafka, isolation }: System,
  topics: readonly string[],
): Promise<string[][]> {
  const reader = await openLogReader(kafka);
  try {
    const partitions = await reader.partitionsOf(
      topics.map((topic) => `${isolation.topicPrefix}${topic}`),
    );
    const logs = new Map<string, Set<string>>();
    await reader.read(partitions, ({ topic, partition, value }) => {
      const name = `${topic}/${partition}`;
      const log = logs.get(name) ?? new Set();
      logs.set(name, log.add(eventSchema.parse(JSON.parse(String(value))).id));
    });
    return [...logs.values()].map((log) => [...log]);
  } finally {
    await reader.close();
  }
}
