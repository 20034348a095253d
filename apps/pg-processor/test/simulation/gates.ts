/** What a worker asked of the world and waits for. `apply` does it, and gives the answer's way back. */
interface Waiting {
  readonly label: string;
  readonly apply: () => Applied;
  answer: (() => void) | null;
}

/** The answer's way back, or that it cannot be done yet because somebody holds a lock. */
export type Applied = (() => void) | 'BLOCKED';

/**
 * Everything that a worker asks of the world goes through a gate, so that the scheduler decides when
 * it is done, when its answer arrives, and whether the worker lives that long.
 */
export class Gates {
  #waiting: Waiting[] = [];
  #isClosed = false;
  /** Grows whenever something is asked or answered. */
  #activity = 0;

  get count(): number {
    return this.#waiting.length;
  }

  get activity(): number {
    return this.#activity;
  }

  /** The worker is dead: nobody hears any more, and what was asked and not done never will be. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  pass<T>(label: string, act: () => { readonly value: T } | 'BLOCKED'): Promise<T> {
    this.#activity += 1;
    return new Promise<T>((resolve, reject) => {
      if (this.#isClosed) return;
      const apply = (): Applied => {
        try {
          const done = act();
          return done === 'BLOCKED' ? done : () => resolve(done.value);
        } catch (error) {
          return () => reject(error);
        }
      };
      this.#waiting.push({ label, apply, answer: null });
    });
  }

  /**
   * Brings one of the waiting a step further, or two: done, then answered.
   *
   * @returns what was done in words; null when nothing could be
   */
  go(pick: number, isWhole: boolean): string | null {
    const one = this.#waiting[pick % Math.max(1, this.#waiting.length)];
    if (one === undefined) return null;
    if (one.answer !== null) return this.#answer(one, one.answer);
    const applied = one.apply();
    if (applied === 'BLOCKED') return null;
    one.answer = applied;
    return isWhole ? this.#answer(one, applied) : `${one.label} is done`;
  }

  #answer(one: Waiting, answer: () => void): string {
    this.#waiting = this.#waiting.filter((other) => other !== one);
    this.#activity += 1;
    answer();
    return `${one.label} is answered`;
  }
}
