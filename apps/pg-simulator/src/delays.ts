/** Waits that end early when the simulator stops: what it has accepted is then done at once. */
export class Delays {
  readonly #waiting = new Set<() => void>();
  #hurried = false;

  get count(): number {
    return this.#waiting.size;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  after(ms: number, action: () => void): void {
    if (this.#hurried || ms <= 0) {
      action();
      return;
    }
    const act = () => {
      clearTimeout(timer);
      this.#waiting.delete(act);
      action();
    };
    const timer = setTimeout(act, ms);
    this.#waiting.add(act);
  }

  hurry(): void {
    this.#hurried = true;
    for (const act of [...this.#waiting]) act();
  }
}
