import { isTransient, type PostgresPool } from '@mini-pg/database';
import type { Relay, Sealer } from '@mini-pg/messaging';
import {
  type Clock,
  createCoalescer,
  ProblemError,
  type Profile,
  QueueFullError,
} from '@mini-pg/runtime';
import { readPayment, type StoredPayment } from '../payments/repository.ts';
import { firstOutcome, type PaymentRow, renderPayment } from '../payments/view.ts';
import type { FastPath, Marker } from './fast-path.ts';
import {
  fixAnswer,
  type IntakeItem,
  type IntakeResult,
  type KeyRow,
  NotStoredError,
  ResultUnknownError,
  readKey,
  storeBatch,
} from './intake-store.ts';
import { type NewPayment, prepare } from './new-payment.ts';
import type { OutcomeWaiters } from './outcome-waiters.ts';

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
   * @throws ProblemError for every refusal of design section 6.
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
  readonly relay: Pick<Relay, 'wake' | 'oldestAgeMs'>;
  readonly profile: Profile;
  readonly clock: Clock;
}

type Store = (item: IntakeItem) => Promise<Exclude<IntakeResult, { kind: 'GONE' }>>;

const BATCH_MAX = 256;
/** Two batches at once keep the disk busy while the next one is being gathered. */
const FLUSHES_MAX = 2;
/** How often a request that lost to a row that is gone by now is tried again. */
const GONE_TRIES_MAX = 3;
const EXPIRES_WITHIN_MS = 86_400_000;
const RETRY_AFTER_SECONDS = 1;

export function createIntake(deps: IntakeDeps): Intake {
  const { limits } = deps.profile;
  const coalescer = createCoalescer<IntakeItem, IntakeResult>({
    flush: (items) => storeBatch(deps.pool, items, limits.intakeTimeoutMs),
    batchMax: limits.intakeBatchMax ?? BATCH_MAX,
    queueMax: limits.intakeQueueMax,
    flushesMax: limits.intakeFlushesMax ?? FLUSHES_MAX,
  });

  const store: Store = async (item) => {
    for (let tries = 1; tries <= GONE_TRIES_MAX; tries += 1) {
      const result = await coalescer.submit(item);
      if (result.kind !== 'GONE') return result;
    }
    throw overloaded();
  };

  return {
    async take(request) {
      const key = redisKey(request);
      const marker = await deps.fastPath.begin(key, fingerprintText(request));
      const known = await answerFromMarker(deps, request, marker);
      if (known !== null) return known;
      try {
        const answer = await takeFromPostgres(deps, request, store);
        void remember(deps, request, answer);
        return answer;
      } catch (error) {
        // Not running any more: its own marker goes, so that a refusal does not burn the key.
        if (marker.kind === 'FIRST') {
          void deps.fastPath.release(key, marker.token, fingerprintText(request));
        }
        throw asProblem(error);
      }
    },
    drain: () => coalescer.drain(),
  };
}

/** What Redis alone can answer; null sends the request on to Postgres. */
async function answerFromMarker(
  deps: IntakeDeps,
  request: NewPayment,
  marker: Marker,
): Promise<IntakeAnswer | null> {
  if (marker.kind === 'UNKNOWN' || marker.kind === 'FIRST') return null;
  if (marker.fingerprint !== fingerprintText(request))
    throw new ProblemError('IDEMPOTENCY_KEY_REUSED');
  if (marker.kind === 'ANSWERED') {
    const { answer, paymentId, body } = marker;
    return { status: answer, paymentId, body, replayed: true };
  }
  // The first request may have been answered since, or its process may have ended: Postgres knows.
  const row = await readKey(deps.pool, request.principal, request.idempotencyKey).catch(() => null);
  if (row === null) throw inUse();
  return answerFromRow(deps, request, row);
}

async function takeFromPostgres(
  deps: IntakeDeps,
  request: NewPayment,
  store: Store,
): Promise<IntakeAnswer> {
  const now = deps.clock.now();
  const refusal = refusalOf(deps, request, now);
  if (refusal !== null) return answerExistingOr(deps, request, refusal);

  const item = prepare(request, deps.sealer, now);
  const deadlineMs = performance.now() + request.waitSeconds * 1_000;
  const waiter = item.answer === null ? deps.waiters.register(item.payment.id) : null;
  try {
    const result = await store(item);
    switch (result.kind) {
      case 'STORED':
        deps.relay.wake();
        if (waiter === null) return accepted(item.payment);
        await waiter.wait(deadlineMs);
        return await answerWaiting(deps, request, item.payment.id);
      case 'SAME_KEY':
        return await answerFromRow(deps, request, result.row);
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
  return deps.relay.oldestAgeMs() > deps.profile.limits.outboxAgeMaxMs ? overloaded() : null;
}

async function answerExistingOr(
  deps: IntakeDeps,
  request: NewPayment,
  refusal: ProblemError,
): Promise<IntakeAnswer> {
  const row = await readKey(deps.pool, request.principal, request.idempotencyKey).catch(() => null);
  if (row === null) throw refusal;
  return answerFromRow(deps, request, row);
}

async function answerFromRow(
  deps: IntakeDeps,
  request: NewPayment,
  row: KeyRow,
): Promise<IntakeAnswer> {
  if (!row.fingerprint.equals(request.fingerprint))
    throw new ProblemError('IDEMPOTENCY_KEY_REUSED');
  if (row.answer === null && !row.due) throw inUse();
  const status =
    row.answer ?? (await fixAnswer(deps.pool, request.principal, request.idempotencyKey, 202));
  return { ...renderAnswer(await readStored(deps, row.resource), status), replayed: true };
}

/** Fixes and renders the answer of this request, whose wait is over. */
async function answerWaiting(
  deps: IntakeDeps,
  request: NewPayment,
  paymentId: string,
): Promise<IntakeAnswer> {
  const payment = await readStored(deps, paymentId);
  const wanted = firstOutcome(payment.facts) === undefined ? 202 : 201;
  // Others only ever fix 202, so a 201 is this one's own: the outcome is among the facts just read.
  const status = await fixAnswer(deps.pool, request.principal, request.idempotencyKey, wanted);
  return { ...renderAnswer(payment, status), replayed: false };
}

async function readStored(deps: IntakeDeps, paymentId: string): Promise<StoredPayment> {
  const payment = await readPayment(deps.pool, paymentId);
  if (payment === null) throw new Error('a stored key must have its payment');
  return payment;
}

/** An answer is a function of the creation and, for a 201, the first outcome: nothing later. */
function renderAnswer(payment: StoredPayment, status: 201 | 202): Omit<IntakeAnswer, 'replayed'> {
  const outcome = status === 201 ? firstOutcome(payment.facts) : undefined;
  const view = renderPayment(payment, outcome === undefined ? [] : [outcome]);
  return { status, paymentId: payment.id, body: JSON.stringify(view) };
}

function accepted(payment: PaymentRow): IntakeAnswer {
  const body = JSON.stringify(renderPayment(payment, []));
  return { status: 202, paymentId: payment.id, body, replayed: false };
}

async function remember(
  deps: IntakeDeps,
  request: NewPayment,
  answer: IntakeAnswer,
): Promise<void> {
  await deps.fastPath.finish(redisKey(request), {
    fingerprint: fingerprintText(request),
    answer: answer.status,
    paymentId: answer.paymentId,
    body: answer.body,
  });
}

function redisKey({ principal, idempotencyKey }: NewPayment): string {
  const mode = principal.livemode ? 'live' : 'test';
  return `${principal.merchantId}:${mode}:payment:${idempotencyKey}`;
}

function fingerprintText(request: NewPayment): string {
  return request.fingerprint.toString('hex');
}

function inUse(): ProblemError {
  return new ProblemError('IDEMPOTENCY_KEY_IN_USE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function overloaded(): ProblemError {
  return new ProblemError('OVERLOADED', { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function asProblem(error: unknown): unknown {
  if (error instanceof QueueFullError || error instanceof NotStoredError) return overloaded();
  if (error instanceof ResultUnknownError || isTransient(error)) {
    return new ProblemError('RESULT_UNKNOWN', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  return error;
}
