/** Random histories of payments on simulated ports, held to the money rules: see the README. */
import { runSimulateCommand } from './command.ts';

process.exitCode = await runSimulateCommand(process.argv.slice(2), {
  log: (line) => console.log(line),
  error: (line) => console.error(line),
});
