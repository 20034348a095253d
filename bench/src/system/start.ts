import { join } from 'node:path';
import { REPOSITORY_DIR, type System, type SystemOptions } from '@mini-pg/local-stack';
import type { BenchContext } from '../bench.ts';
import { describeServers } from '../report/machine.ts';

const KAFKA_LIBS_DIR = join(REPOSITORY_DIR, '.tools', 'kafka', 'libs');

/** The whole system of the measured commit, on servers of its own; it ends with the bench. */
export async function startForBench(
  context: BenchContext,
  options: SystemOptions = {},
): Promise<System> {
  context.log('starting servers and services');
  const starting = context.subject.startSystem(options);
  // Also when the bench is ended meanwhile.
  context.atEnd(async () => (await starting.catch(() => undefined))?.stop());
  const system = await starting;
  context.note(await describeServers(system.stack.postgresUrl, KAFKA_LIBS_DIR));
  return system;
}

/** What of a system's servers can be looked at; a server that was given may be anywhere. */
export function serverPids({ stack }: System) {
  const { postgres, redis, kafka } = stack.pids;
  return [
    { name: 'Postgres', pid: postgres, tree: true },
    { name: 'Redis', pid: redis },
    { name: 'Kafka', pid: kafka },
  ];
}
