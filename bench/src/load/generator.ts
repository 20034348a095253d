/** The load generator as a process of its own: a plan comes in by message, a result goes out. */
import { type LoadEvent, loadPlanSchema } from './load-plan.ts';
import { runLoad } from './run-load.ts';

process.once('disconnect', () => process.exit(1));
process.once('message', (message) => void run(message));

async function run(message: unknown): Promise<void> {
  try {
    const result = await runLoad(loadPlanSchema.parse(message), tell);
    tell({ event: 'done', result });
  } catch (error) {
    tell({ event: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

function tell(event: LoadEvent): void {
  process.send?.(event);
}
