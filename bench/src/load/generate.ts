import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type LoadPlan, type LoadResult, loadEventSchema } from './load-plan.ts';

const GENERATOR = fileURLToPath(new URL('./generator.ts', import.meta.url));

/** What is to happen at the borders of the measured time, such as reading clocks of processes. */
export interface Observer {
  onMeasuring?(): void;
  onMeasured?(): void;
}

/**
 * Runs a plan in a process of its own, which ends with this one at the latest.
 *
 * @throws Error when the load met an answer that it must not, or the generator itself ended
 */
export function generate(plan: LoadPlan, observer: Observer = {}): Promise<LoadResult> {
  const child = fork(GENERATOR, { execArgv: ['--conditions=source'], stdio: 'inherit' });
  return new Promise<LoadResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`The load generator ended (code ${code}).`)));
    child.on('message', (message) => {
      const event = loadEventSchema.parse(message);
      if (event.event === 'measuring') observer.onMeasuring?.();
      else if (event.event === 'measured') observer.onMeasured?.();
      else if (event.event === 'done') resolve(event.result);
      else reject(new Error(event.message));
    });
    child.send(plan);
  }).finally(() => child.disconnect());
}
