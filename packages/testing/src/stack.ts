/** Where the servers of this test run are. */
export type TestStack = {
  /** URL of a superuser on the maintenance database. Tests create databases of their own. */
  postgresUrl: string;
  /** Tests keep apart by a key prefix of their own. */
  redisUrl: string;
  /** `host:port`, comma separated. Tests keep apart by a topic prefix of their own. */
  kafkaBrokers: string;
};

/**
 * The servers that the run's global setup started or found.
 * Throws when a unit test asks, since that tier has no servers.
 */
export function testStack(): TestStack {
  return {
    postgresUrl: stackVariable('STACK_POSTGRES_URL'),
    redisUrl: stackVariable('STACK_REDIS_URL'),
    kafkaBrokers: stackVariable('STACK_KAFKA_BROKERS'),
  };
}

function stackVariable(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(
      `${name} is not set: only the int and e2e projects have servers. ` +
        'Name the test file *.int.test.ts or *.e2e.test.ts.',
    );
  }
  return value;
}
