/** Time that passes only when the simulation says so, in milliseconds since 1970. */
export class VirtualClock {
  #nowMs = Date.UTC(2026, 0, 5);

  get nowMs(): number {
    return this.#nowMs;
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  /**
   * Runs work with this as the monotonic clock of the process, which the product reads as it is:
   * what is simulated is alone in its process while it runs.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const own = Object.getOwnPropertyDescriptor(performance, 'now');
    Object.defineProperty(performance, 'now', { value: () => this.#nowMs, configurable: true });
    try {
      return await work();
    } finally {
      if (own === undefined) Reflect.deleteProperty(performance, 'now');
      else Object.defineProperty(performance, 'now', own);
    }
  }
}
