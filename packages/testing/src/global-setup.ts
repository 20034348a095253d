import { PICKED_VARIABLE, startStack } from '@mini-pg/local-stack';

/**
 * Runs once before the int and e2e projects of a package. `npm test` starts one stack for all
 * packages and hands it over by STACK_*; a run of vitest by hand starts one for itself.
 */
export async function setup(): Promise<() => Promise<void>> {
  const stack = await startStack({
    log: (line) => process.stderr.write(`stack: ${line}\n`),
  });
  // Whatever picked them, from here on they are given.
  process.env[PICKED_VARIABLE] ??= stack.kind;
  process.env.STACK = 'external';
  process.env.STACK_POSTGRES_URL = stack.postgresUrl;
  process.env.STACK_REDIS_URL = stack.redisUrl;
  process.env.STACK_KAFKA_BROKERS = stack.kafkaBrokers;
  return () => stack.stop();
}
