/** Holds an API to what its idempotency keys promise: see `docs/how-to/prove-idempotency.md`. */
import { runIdempotencyCommand } from './command.ts';

process.exitCode = await runIdempotencyCommand(process.argv.slice(2), process.env, {
  log: (line) => console.log(line),
  error: (line) => console.error(line),
});
