export type Ending = () => Promise<void> | void;

/** What has to be stopped or removed in the end, however that comes; the last one first. */
export class Endings {
  readonly #endings: Ending[] = [];
  #done: Promise<void> = Promise.resolve();

  add(ending: Ending): void {
    this.#endings.push(ending);
  }

  /**
   * Runs them, each once; safe to call while it is under way. One that fails does not keep the others
   * from being run.
   *
   * @throws the first error
   */
  run(): Promise<void> {
    this.#done = this.#done.then(() => this.#runRest());
    return this.#done;
  }

  async #runRest(): Promise<void> {
    const errors: unknown[] = [];
    for (let ending = this.#endings.pop(); ending; ending = this.#endings.pop()) {
      try {
        await ending();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
