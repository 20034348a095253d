/**
 * The one entry of all commands: makes sure that what they need is there, then runs the command.
 * Plain JavaScript without dependencies, because it runs on whatever Node (20 or newer) is at
 * hand, before anything is installed. What is there already costs a few file checks.
 */
import { dispatch, knownCommands } from './bootstrap/dispatch.mjs';
import { ensureKafka } from './bootstrap/kafka.mjs';
import { ensureNode } from './bootstrap/node.mjs';
import { ensurePackages } from './bootstrap/packages.mjs';
import { SetupError } from './bootstrap/run.mjs';
import { ensureSystemPrograms } from './bootstrap/system-programs.mjs';

const [command, ...args] = process.argv.slice(2);
if (command !== undefined && !knownCommands().includes(command)) {
  console.error(`Unknown command ${command}: use one of ${knownCommands().join(', ')}.`);
  process.exit(2);
}
try {
  await ensureSystemPrograms();
  const node = await ensureNode();
  await allOf(ensurePackages(node), ensureKafka());
  if (command === undefined) console.log('Everything is installed.');
  else dispatch(node, command, args);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}

/** Waits for all, also when one fails: nothing goes on behind an error message. */
async function allOf(...steps) {
  const results = await Promise.allSettled(steps);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
