import type { PostgresPool } from '@mini-pg/database';
import type { Relay, Sealer } from '@mini-pg/messaging';
import { type Clock, createCoalescer, ProblemError, type Profile } from '@mini-pg/runtime';
import type { Admission, Place } from '../overload/admission.ts';
import { overloaded } from '../overload/overloaded.ts';
import { firstOutcome, type PaymentRow } from '../payments/facts.ts';
import { readPayment, type StoredPayment } from '../payments/repository.ts';
import { renderPayment } from '../payments/view.ts';
import {
  type Answer,
  answerFromRow,
  answerKnownOr,
  answerOnce,
  type KeyedRequest,
  type RenderAnswer,
} from './answer-once.ts';
import type { FastPath } from './fast-path.ts';
import { type IntakeItem, type IntakeResult, storeBatch } from './intake-store.ts';
import { type NewPayment, prepare } from './new-payment.ts';
import type { OutcomeWaiters } from './outcome-waiters.ts';
import { createWaitedAnswers } from './waited-answers.ts';

/** What a request for a payment is answered with, the first time and every time after. */
export interface IntakeAnswer {
  readonly status: 201 | 202;
  readonly paymentId: string;
  readonly body: string;
  readonly replayed: boolean;
}

export interface Intake {
  /**
   * Takes a payment once, however often the request comes.
   *
   * @throws ProblemError for every refusal (docs/reference/errors.md).
   */
  take(request: NewPayment): Promise<IntakeAnswer>;
  /** Writes what is queued; new requests are refused with 503. */
  drain(): Promise<void>;
}

export interface IntakeDeps {
  readonly pool: PostgresPool;
  readonly sealer: Sealer;
  readonly fastPath: FastPath;
  readonly waiters: OutcomeWaiters;
  readonly admission: Admission;
  readonly relay: Pick<Relay, 'wake' | 'oldestAgeMs'>;
  readonly profile: Profile;
  readonly clock: Clock;
}

/** What taking a payment is done with. */
interface Work {
  /** Stores it in the next batch. */
  readonly store: (item: IntakeItem) => Promise<Exclude<IntakeResult, { kind: 'GONE' }>>;
  /** Fixes and renders the answer of a request whose wait is over. */
  readonly answerWaited: (payment: StoredPayment | null, paymentId: string) => Promise<Answer>;
  readonly render: RenderAnswer;
}

const BATCH_MAX = 256;
/** Two batches at once keep the disk busy while the next one is being gathered. */
const FLUSHES_MAX = 2;
/** How often a request that lost to a row that is gone by now is tried again. */
const GONE_TRIES_MAX = 3;
const EXPIRES_WITHIN_MS = 86_400_000;

/** What waits for a batch, and since when. */
interface Queued {
  readonly item: IntakeItem;
  readonly place: Place;
}

/** It waited for its batch for too long, and was left out of it. */
const TOO_OLD = { kind: 'TOO_OLD' } as const;

export function createIntake(deps: IntakeDeps): Intake {
  const { limits } = deps.profile;
  const coalescer = createCoalescer<Queued, IntakeResult | typeof TOO_OLD>({
    flush: (queued) => storeInTime(deps.pool, queued, limits.intakeTimeoutMs),
    batchMax: limits.intakeBatchMax ?? BATCH_MAX,
    queueMax: limits.intakeQueueMax,
    flushesMax: limits.intakeFlushesMax ?? FLUSHES_MAX,
  });

  const waited = createWaitedAnswers(deps.pool);

  const storeAt = (place: Place): Work['store'] => {
    return async (item) => {
      for (let tries = 1; tries <= GONE_TRIES_MAX; tries += 1) {
        const result = await coalescer.submit({ item, place });
        if (result.kind === 'TOO_OLD') throw overloaded('queue-age');
        if (result.kind !== 'GONE') return result;
      }
      throw overloaded('conflict');
    };
  };

  return {
    async take(request) {
      const keyed = keyedOf(request);
      const render: RenderAnswer = async (paymentId, status) =>
        renderAnswer(await readStored(deps, paymentId), status);
      const answerWaited: Work['answerWaited'] = async (handed, paymentId) => {
        const { name } = keyed;
        const { status, payment } = await waited.fix({ name, paymentId, payment: handed });
        const body = renderAnswer(payment, status);
        return { status, resource: paymentId, body, replayed: false };
      };
      const place = deps.admission.enter(request.waitedMs);
      try {
        const store = storeAt(place);
        const { resource: paymentId, ...answer } = await answerOnce(deps, keyed, {
          execute: () => takeFromPostgres(deps, request, keyed, { store, answerWaited, render }),
          render,
        });
        return { ...answer, paymentId };
      } finally {
        place.leave();
      }
    },
    async drain() {
      await coalescer.drain();
      await waited.drain();
    },
  };
}

/** Stores a batch without what has waited for too long: of that no statement ever knew. */
async function storeInTime(
  pool: PostgresPool,
  queued: readonly Queued[],
  timeoutMs: number,
): Promise<readonly (IntakeResult | typeof TOO_OLD)[]> {
  const inTime = queued.filter(({ place }) => place.leave());
  if (inTime.length === 0) return queued.map(() => TOO_OLD);
  const items = inTime.map(({ item }) => item);
  const results = await storeBatch(pool, items, timeoutMs);
  if (inTime.length === queued.length) return results;
  const byItem = new Map(items.map((item, index) => [item, results[index]]));
  return queued.map(({ item }) => byItem.get(item) ?? TOO_OLD);
}

async function takeFromPostgres(
  deps: IntakeDeps,
  request: NewPayment,
  keyed: KeyedRequest,
  { store, answerWaited, render }: Work,
): Promise<Answer> {
  const now = deps.clock.now();
  const refusal = refusalOf(deps, request, now);
  if (refusal !== null) return answerKnownOr(deps, keyed, refusal, render);

  const item = prepare(deps.waiters.fitting(request), deps.sealer, now);
  const deadlineMs = performance.now() + request.waitSeconds * 1_000;
  const waiter = item.answer === null ? deps.waiters.register(item.payment.id) : null;
  try {
    const result = await store(item);
    switch (result.kind) {
      case 'STORED':
        deps.relay.wake();
        if (waiter === null) return accepted(item.payment);
        return await answerWaited(await waiter.wait(deadlineMs), item.payment.id);
      case 'SAME_KEY':
        return await answerFromRow(deps, keyed, result.row, render);
      case 'ORDER_ACTIVE':
        throw new ProblemError('ORDER_ALREADY_ACTIVE', { extra: { paymentId: result.paymentId } });
      default:
        return result satisfies never;
    }
  } finally {
    waiter?.cancel();
  }
}

/** Why a new payment is refused at this moment; a repeat of an accepted one is not. */
function refusalOf(deps: IntakeDeps, request: NewPayment, now: Date): ProblemError | null {
  const { body } = request;
  if (deps.profile.pgs[body.source.pg]?.on !== true) {
    return new ProblemError('PG_NOT_AVAILABLE', {
      detail: `${body.source.pg} is switched off in this environment; use another pg.`,
    });
  }
  const account = deps.profile.accounts.some(
    (a) => a.pg === body.source.pg && a.livemode === request.principal.livemode,
  );
  if (!account) {
    return new ProblemError('PG_NOT_AVAILABLE', {
      detail: `${body.source.pg} has no account for ${request.principal.livemode ? 'live' : 'test'} payments here; use another pg.`,
    });
  }
  if (body.expiresAt !== undefined) {
    const leftMs = Date.parse(body.expiresAt) - now.getTime();
    if (leftMs <= 0 || leftMs > EXPIRES_WITHIN_MS) {
      return new ProblemError('VALIDATION_FAILED', {
        errors: [
          { pointer: '/expiresAt', message: 'must be in the future and at most a day ahead' },
        ],
      });
    }
  }
  return deps.relay.oldestAgeMs() > deps.profile.limits.outboxAgeMaxMs
    ? overloaded('outbox-age')
    : null;
}

async function readStored(deps: IntakeDeps, paymentId: string): Promise<StoredPayment> {
  const payment = await readPayment(deps.pool, paymentId);
  if (payment === null) throw new Error('a stored key must have its payment');
  return payment;
}

/** An answer is a function of the creation and, for a 201, the first outcome: nothing later. */
function renderAnswer(payment: StoredPayment, status: 201 | 202): string {
  const outcome = status === 201 ? firstOutcome(payment.facts) : undefined;
  return JSON.stringify(renderPayment(payment, outcome === undefined ? [] : [outcome]));
}

function accepted(payment: PaymentRow): Answer {
  const body = JSON.stringify(renderPayment(payment, []));
  return { status: 202, resource: payment.id, body, replayed: false };
}

function keyedOf({ principal, idempotencyKey, fingerprint }: NewPayment): KeyedRequest {
  const { merchantId, livemode } = principal;
  return { name: { merchantId, livemode, scope: 'payment', key: idempotencyKey }, fingerprint };
}
