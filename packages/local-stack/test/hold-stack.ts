/** Starts a stack with the options in its argument, says what it has, and holds it. */
import { startStack } from '../src/index.ts';

const stack = await startStack({
  ...JSON.parse(process.argv[2] ?? '{}'),
  log: (line) => process.stderr.write(`${line}\n`),
});
const { pids, dataDir } = stack;
process.stdout.write(`${JSON.stringify({ pids, dataDir })}\n`);
process.stdin.once('end', () => stack.stop()).resume();
