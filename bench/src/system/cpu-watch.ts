import { cpuMicrosOf, cpuMicrosOfTree } from './processes.ts';

/** A process to look at; `tree` counts its children too. */
export interface Watched {
  readonly name: string;
  readonly pid: number | undefined;
  readonly tree?: boolean;
}

/** Processor time by name, in microseconds. */
export type CpuMicros = Readonly<Record<string, number>>;

/** What processes use between two moments. */
export class CpuWatch {
  readonly #watched: readonly Watched[];
  #before: CpuMicros = {};
  #used: CpuMicros = {};

  constructor(watched: readonly Watched[]) {
    this.#watched = watched;
  }

  start(): void {
    this.#before = this.#read();
  }

  stop(): void {
    const after = this.#read();
    this.#used = Object.fromEntries(
      Object.entries(after).map(([name, micros]) => [name, micros - (this.#before[name] ?? 0)]),
    );
  }

  get used(): CpuMicros {
    return this.#used;
  }

  #read(): CpuMicros {
    const known = this.#watched.flatMap(({ name, pid, tree }) =>
      pid === undefined ? [] : [[name, tree ? cpuMicrosOfTree(pid) : cpuMicrosOf(pid)] as const],
    );
    return Object.fromEntries(known);
  }
}
