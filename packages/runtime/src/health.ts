/** A check resolves when all is well and throws, with a sentence, when it is not. */
export type HealthCheck = () => Promise<void> | void;

export interface HealthReport {
  readonly ok: boolean;
  readonly checks: Record<string, string>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** The checks of a process: `live` ones decide whether to restart it, all decide readiness. */
export class Health {
  readonly #live = new Map<string, HealthCheck>();
  readonly #ready = new Map<string, HealthCheck>();
  #starting = false;
  #draining = false;

  addLive(name: string, check: HealthCheck): void {
    this.#live.set(name, check);
  }

  addReady(name: string, check: HealthCheck): void {
    this.#ready.set(name, check);
  }

  /** Until `started` the process is not ready: it listens before all of it works. */
  starting(): void {
    this.#starting = true;
  }

  started(): void {
    this.#starting = false;
  }

  /** From here on the process is not ready: it is about to stop. */
  drain(): void {
    this.#draining = true;
  }

  live(): Promise<HealthReport> {
    return report(this.#live);
  }

  async ready(): Promise<HealthReport> {
    const result = await report(new Map([...this.#live, ...this.#ready]));
    if (this.#draining) return notReady(result, { drain: 'the process is stopping' });
    if (this.#starting) return notReady(result, { start: 'the process is starting' });
    return result;
  }
}

function notReady(report: HealthReport, why: Record<string, string>): HealthReport {
  return { ok: false, checks: { ...report.checks, ...why } };
}

async function report(checks: ReadonlyMap<string, HealthCheck>): Promise<HealthReport> {
  const results = await Promise.all(
    [...checks].map(async ([name, check]) => [name, await outcome(check)] as const),
  );
  return { ok: results.every(([, text]) => text === 'ok'), checks: Object.fromEntries(results) };
}

async function outcome(check: HealthCheck): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_TIMEOUT_MS} ms`), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([Promise.resolve(check()).then(() => 'ok'), timeout]);
  } catch (error) {
    return error instanceof Error ? error.message : 'failed';
  } finally {
    clearTimeout(timer);
  }
}
