import type { Mutant } from './mutants.ts';
import { type Failure, runSteps } from './run-history.ts';
import type { Step } from './steps.ts';

/** Histories that are tried at most; each takes some milliseconds. */
const TRIES_MAX = 3_000;

/**
 * Leaves out of a failing history what it does not need to fail (delta debugging): halves first,
 * then smaller and smaller parts, down to single steps, until no single step can be left out.
 */
export async function shrink(
  seed: number,
  failure: Failure,
  mutant: Mutant | null = null,
): Promise<Failure> {
  let best = failure;
  let tries = 0;
  const failsWith = async (steps: readonly Step[]): Promise<Failure | null> => {
    tries += 1;
    return (await runSteps(seed, steps, mutant)).failure;
  };
  let size = Math.ceil(best.steps.length / 2);
  while (size >= 1 && tries < TRIES_MAX) {
    let isSmaller = false;
    for (let from = 0; from < best.steps.length && tries < TRIES_MAX; ) {
      const found = await failsWith(best.steps.toSpliced(from, size));
      if (found === null) from += size;
      else {
        best = found;
        isSmaller = true;
      }
    }
    if (size === 1 && !isSmaller) break;
    size = isSmaller && size === 1 ? 1 : Math.floor(size / 2);
    if (size === 0) break;
  }
  return best;
}
