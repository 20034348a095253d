import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PgProfile } from '@mini-pg/runtime';
import { handleIntake } from '../../src/consumers/intake.ts';
import {
  AMOUNT,
  newCancel,
  newPayment,
  orderOf,
  type PublishedEvent,
  project,
  type Request,
  type SimulatedPayment,
} from './merchant-side.ts';
import type { Mutant } from './mutants.ts';
import { seededRandom } from './random.ts';
import { type CallFate, type CallKind, type PgCharacter, SimulatedPg } from './simulated-pg.ts';
import type { Step } from './steps.ts';
import { Database, SOUND_STORE } from './store/database.ts';
import { VirtualClock } from './virtual-clock.ts';
import { type Surroundings, startWorker, type Worker } from './worker.ts';

export const WORKERS = 2;

/** What the machinery of a run is set to, drawn from its seed. */
export interface Setting {
  readonly character: PgCharacter;
  /** Of the random numbers that the product itself draws. */
  readonly seed: number;
  readonly mutant: Mutant | null;
}

/** pg-processor on simulated ports, with what comes before and after it. One step at a time. */
export class World {
  readonly clock = new VirtualClock();
  readonly database: Database;
  readonly pg: SimulatedPg;
  readonly payments: SimulatedPayment[] = [];
  /** Every event that was ever published, once for each time. */
  readonly published: PublishedEvent[] = [];
  /** What the program did that it may never do. */
  readonly failures: string[] = [];
  readonly mutant: Mutant | null;
  readonly seed: number;
  readonly #surroundings: Surroundings;
  readonly #workers: Worker[];
  readonly #fates = new Map<string, CallFate[]>();
  #requests: Request[] = [];
  #events: PublishedEvent[] = [];
  #lostInquiries = 0;
  #ids = 0;

  constructor({ character, seed, mutant }: Setting) {
    this.mutant = mutant;
    this.seed = seed;
    this.database = new Database({ ...SOUND_STORE, ...mutant?.store });
    this.pg = new SimulatedPg({
      character,
      clock: this.clock,
      nextFate: (kind, paymentKey) => this.#nextFate(kind, paymentKey),
      windowOf: (paymentKey) => ({ orderId: orderOf(paymentKey), amount: AMOUNT }),
      mayAnswerInquiry: () => {
        this.#lostInquiries -= 1;
        return this.#lostInquiries < 0;
      },
    });
    this.#surroundings = {
      clock: this.clock,
      database: this.database,
      pg: this.pg,
      settings: { ...settingsFor(character), ...mutant?.settings },
      visibilityDelayMs: mutant?.visibilityDelayMs ?? character.visibilityDelayMs,
      random: seededRandom(seed).next,
      newId: () => this.#newId(),
      onFailure: (message) => this.failures.push(message),
    };
    this.#workers = Array.from({ length: WORKERS }, (_, index) =>
      startWorker(`worker-${index}`, this.#surroundings),
    );
  }

  get requestCount(): number {
    return this.#requests.length;
  }

  get exceptionCount(): number {
    return this.database.rows('exception').length;
  }

  get eventCount(): number {
    return this.#events.length;
  }

  waitingOf(worker: number): number {
    return this.#workers[worker]?.gates.count ?? 0;
  }

  /** Does a step; false when it could not happen. */
  async apply(step: Step): Promise<boolean> {
    const done = this.#apply(step);
    if (done) await this.#settle();
    return done;
  }

  #apply(step: Step): boolean {
    switch (step.do) {
      case 'pay':
        return this.#pay(step);
      case 'cancel':
        return this.#cancel(step);
      case 'resolve':
        return this.#resolve(step);
      case 'ask-again':
        return this.#askAgain(step.payment);
      case 'deliver':
        return this.#deliver(step);
      case 'start':
        return this.#start(step);
      case 'go':
        return this.#go(step);
      case 'crash':
        return this.#crash(step.worker);
      case 'pass':
        this.clock.pass(step.ms);
        this.pg.work();
        return true;
      case 'relay':
        return this.#relay(step.dies);
      case 'project':
        return this.#project(step.message, step.again);
      case 'lose-inquiries':
        this.#lostInquiries = step.count;
        return true;
      default:
        return step satisfies never;
    }
  }

  #pay({ fates, undone, sharesSource }: Extract<Step, { do: 'pay' }>): boolean {
    const last = sharesSource ? this.payments.at(-1) : undefined;
    const ids = this.#newIds();
    const paymentKey = last?.paymentKey ?? `source-${ids.id}`;
    const payment = newPayment(ids, paymentKey, this.clock.nowMs);
    this.payments.push(payment);
    this.#requests.push(payment.request);
    if (last === undefined) {
      this.#fatesOf('CAPTURE', paymentKey).push(...fates);
      this.#fatesOf('UNDO', paymentKey).push(...undone);
    }
    return true;
  }

  #cancel({ payment: index, part, fates }: Extract<Step, { do: 'cancel' }>): boolean {
    const payment = this.payments[index];
    if (payment === undefined) return false;
    const asked = part === null ? null : (AMOUNT * BigInt(part)) / 1_000n;
    const options = { nowMs: this.clock.nowMs, hasReserve: this.mutant?.hasReserve ?? true };
    const cancel = newCancel(payment, this.#newIds(), asked, options);
    if (cancel === null) return false;
    payment.cancels.push(cancel);
    this.#requests.push(cancel.request);
    this.#fatesOf('REFUND', payment.paymentKey).push(...fates);
    return true;
  }

  #resolve({ worker, exception, resolution }: Extract<Step, { do: 'resolve' }>): boolean {
    const row = this.database.rows('exception')[exception];
    const live = this.#workers[worker];
    if (row === undefined || live === undefined) return false;
    live.resolve(String(row.id), resolution);
    return true;
  }

  #askAgain(index: number): boolean {
    const payment = this.payments[index];
    if (payment === undefined) return false;
    this.#requests.push(payment.request, ...payment.cancels.map(({ request }) => request));
    return true;
  }

  #deliver({ worker, message, again }: Extract<Step, { do: 'deliver' }>): boolean {
    const request = this.#requests[message];
    const live = this.#workers[worker];
    if (request === undefined || live === undefined) return false;
    // Its offset is stored once it is handled: until then, and if the worker dies, it comes again.
    handleIntake(live.intake, [request]).then(
      () => {
        if (!again) this.#requests = this.#requests.filter((other) => other !== request);
      },
      (error: unknown) => this.failures.push(`intake: ${error}`),
    );
    return true;
  }

  #start({ worker, loop }: Extract<Step, { do: 'start' }>): boolean {
    const live = this.#workers[worker];
    if (live === undefined) return false;
    live.start(loop);
    if (loop === 'sweep') this.mutant?.sweep?.(this.database, live.results);
    return true;
  }

  #go({ worker, pick, whole }: Extract<Step, { do: 'go' }>): boolean {
    return this.#workers[worker]?.gates.go(pick, whole) !== null;
  }

  #crash(worker: number): boolean {
    this.#workers[worker]?.kill();
    this.#workers[worker] = startWorker(`worker-${worker}`, this.#surroundings);
    return true;
  }

  #relay(dies: boolean): boolean {
    const rows = this.database.rows('outbox');
    if (rows.length === 0 || this.database.isBusyFor(null)) return false;
    for (const { seq, event_id, topic, payload } of rows) {
      const event = {
        eventId: String(event_id),
        topic: String(topic),
        payload: String(payload),
      };
      this.published.push(event);
      this.#events.push(event);
      if (!dies) this.database.put(null, 'outbox', String(seq), null);
    }
    return true;
  }

  #project(message: number, again: boolean): boolean {
    const event = this.#events[message];
    if (event === undefined) return false;
    if (!again) this.#events.splice(message, 1);
    project(this.payments, event);
    return true;
  }

  #nextFate(kind: CallKind, paymentKey: string): CallFate {
    const fates = this.#fatesOf(kind, paymentKey);
    return (fates.length > 1 ? fates.shift() : fates[0]) ?? PLAIN;
  }

  #fatesOf(kind: CallKind, paymentKey: string): CallFate[] {
    const name = `${kind} ${paymentKey}`;
    const fates = this.#fates.get(name) ?? [];
    this.#fates.set(name, fates);
    return fates;
  }

  #newIds(): { id: string; eventId: string } {
    return { id: this.#newId(), eventId: this.#newId() };
  }

  #newId(): string {
    this.#ids += 1;
    return `00000000-0000-7000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }

  /** Until no program goes on by itself: everything then waits at a gate. */
  async #settle(): Promise<void> {
    let before = -1;
    while (before !== this.#activity()) {
      before = this.#activity();
      // A batch is gathered for one turn of the event loop, and promises settle within it.
      await nextTurn();
      await nextTurn();
    }
  }

  #activity(): number {
    return this.#workers.reduce((sum, { gates }) => sum + gates.activity, 0);
  }
}

const PLAIN: CallFate = { executes: 'YES', afterMs: 0, hiddenMs: 0, answer: 'TRUTH' };

function settingsFor({ executionTimeMaxMs }: PgCharacter): PgProfile {
  return {
    on: true,
    baseUrl: 'http://simulated.invalid',
    connectTimeoutMs: 2_000,
    readTimeoutMs: 5_000,
    concurrency: 8,
    weight: 100,
    inquiryScheduleMs: [1_000, 3_000, 5_000, 10_000, 15_000, 20_000],
    lateCaptureScheduleMs: [600_000, 3_600_000, 86_400_000],
    executionTimeMaxMs,
    // So little that the retries of a few payments are put off now and then.
    retries: { shareOfFirstCalls: 0.1, perSecond: 0.2, burst: 6 },
  };
}
