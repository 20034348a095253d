import type { Service } from '@mini-pg/local-stack';
import { residentBytesOf } from './processes.ts';

const SAMPLE_EVERY_MS = 250;
const SHED = /^shed_requests_total\{reason="([^"]+)"[^}]*\} (\S+)$/gm;

/** What an instance says of itself while it is under load, and what the machine says of it. */
export class ServiceWatch {
  readonly #service: Service;
  readonly #shedBefore: Readonly<Record<string, number>>;
  readonly #timer: NodeJS.Timeout;
  readonly #before: number;
  #peak: number;
  #turnedUnready = false;
  #endedAtMs = Number.NaN;

  private constructor(service: Service, shedBefore: Readonly<Record<string, number>>) {
    this.#service = service;
    this.#shedBefore = shedBefore;
    this.#before = this.#resident();
    this.#peak = this.#before;
    this.#timer = setInterval(() => void this.#sample(), SAMPLE_EVERY_MS);
  }

  static async start(service: Service): Promise<ServiceWatch> {
    return new ServiceWatch(service, await shedOf(service));
  }

  /** The load is over: times are counted from here. */
  loadEnded(): void {
    this.#endedAtMs = performance.now();
  }

  sinceEndMs(): number {
    return performance.now() - this.#endedAtMs;
  }

  async isReady(): Promise<boolean> {
    const { status } = await fetch(`${this.#service.url}/health/ready`);
    return status === 200;
  }

  async stop() {
    clearInterval(this.#timer);
    const after = await shedOf(this.#service);
    const shed = Object.entries(after).map(
      ([reason, count]) => [reason, count - (this.#shedBefore[reason] ?? 0)] as const,
    );
    return {
      shed: Object.fromEntries(shed),
      turnedUnready: this.#turnedUnready,
      residentBytes: { before: this.#before, peak: this.#peak, after: this.#resident() },
    };
  }

  async #sample(): Promise<void> {
    this.#peak = Math.max(this.#peak, this.#resident());
    if (!(await this.isReady().catch(() => true))) this.#turnedUnready = true;
  }

  #resident(): number {
    const { pid } = this.#service;
    return pid === undefined ? 0 : residentBytesOf(pid);
  }
}

async function shedOf({ url }: Service): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = [...text.matchAll(SHED)].map(([, reason = '', count]) => [reason, Number(count)]);
  return Object.fromEntries(counts);
}
