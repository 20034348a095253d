/** Starts a stack with the options in its argument, says what it has, and holds it. */
import { startStack } from '../src/index.ts';

const stack = await startStack({
  ...JSON.parse(process.argv[2] ?? '{}'),
  log: (line) => process.stderr.write(`${line}\n`),
});
const { pids, dataDir, kind, postgresUrl, redisUrl, kafkaBrokers } = stack;
const told = { pids, dataDir, kind, postgresUrl, redisUrl, kafkaBrokers };
process.stdout.write(`${JSON.stringify(told)}\n`);
process.stdin.once('end', () => stack.stop()).resume();
