/** Prints what was held to be so, and keeps whether all of it was. */
export class Checks {
  #passed = 0;
  #failed = 0;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get passed(): number {
    return this.#passed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** @param found shown when it does not hold */
  that(statement: string, holds: boolean, found?: unknown): void {
    if (holds) this.#passed += 1;
    else this.#failed += 1;
    const detail = found === undefined ? '' : `: found ${JSON.stringify(found)}`;
    this.#print(holds ? `  ok      ${statement}` : `  NOT OK  ${statement}${detail}`);
  }
}
