import type { PostgresPool } from '@mini-pg/database';
import type { Relay } from '@mini-pg/messaging';
import { type Clock, createCoalescer, newId, ProblemError, type Profile } from '@mini-pg/runtime';
import {
  type Answer,
  type AnswerOnceDeps,
  answerFromRow,
  answerKnownOr,
  answerOnce,
  type KeyedRequest,
  type RenderAnswer,
} from '../intake/answer-once.ts';
import type { FastPath } from '../intake/fast-path.ts';
import { fixAnswer, type KeyName } from '../intake/key-row.ts';
import type { OutcomeWaiters } from '../intake/outcome-waiters.ts';
import { overloaded } from '../overload/overloaded.ts';
import type { CancelRequestedData, FactRow } from '../payments/facts.ts';
import { readPayment } from '../payments/repository.ts';
import type { StatusCache } from '../payments/status-cache.ts';
import { renderPayment } from '../payments/view.ts';
import type { Principal } from '../principal.ts';
import type { CreateCancel } from './cancel-request.ts';
import { type CancelItem, type CancelResult, storeCancel } from './cancel-store.ts';
import { cancelOutcome, renderCancel } from './cancel-view.ts';
import { refusedCancel } from './refusal.ts';
import { cancelWaitId } from './wait-id.ts';

/** Who asks for a cancel: the merchant of the payment, or an operator by name. */
export type CancelAuthor =
  | { readonly kind: 'MERCHANT'; readonly principal: Principal }
  | { readonly kind: 'OPERATOR'; readonly name: string };

export interface NewCancel {
  readonly author: CancelAuthor;
  readonly paymentId: string;
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly body: CreateCancel;
  readonly waitSeconds: number;
  readonly traceparent: string;
}

export interface Cancels {
  /**
   * Takes a cancel once, however often the request comes. Of several reasons to refuse it the first
   * is told: the key, the payment's state, the balance expected, the amount, its tax-free part.
   *
   * @throws ProblemError for every refusal (docs/reference/errors.md).
   */
  take(request: NewCancel): Promise<Answer>;
  /** Writes what is queued; new requests are refused with 503. */
  drain(): Promise<void>;
}

export interface CancelsDeps {
  readonly pool: PostgresPool;
  readonly fastPath: FastPath;
  readonly cache: StatusCache;
  readonly waiters: OutcomeWaiters;
  readonly relay: Pick<Relay, 'wake' | 'oldestAgeMs'>;
  readonly profile: Profile;
  readonly clock: Clock;
}

/**
 * Cancels of one payment queue for its row: more of them at once than this would take the
 * connections that payments are written on.
 */
const CANCELS_AT_ONCE_MAX = 3;
const CANCELS_WAITING_MAX = 1_000;
/** The owner of operators' keys, which belong to no merchant. */
const NO_MERCHANT = '00000000-0000-0000-0000-000000000000';

type Store = (item: CancelItem) => Promise<CancelResult>;

export function createCancels(deps: CancelsDeps): Cancels {
  const queue = createCoalescer<CancelItem, CancelResult>({
    flush: (items) => Promise.all(items.map((item) => storeCancel(deps.pool, item))),
    batchMax: 1,
    queueMax: CANCELS_WAITING_MAX,
    flushesMax: CANCELS_AT_ONCE_MAX,
  });
  return {
    take(request) {
      const keyed = { name: keyNameOf(request), fingerprint: request.fingerprint };
      const render: RenderAnswer = (cancelId, status) =>
        renderStored(deps, request.paymentId, cancelId, status);
      return answerOnce(deps, keyed, {
        execute: () => takeFromPostgres(deps, request, keyed, { store: queue.submit, render }),
        render,
      });
    },
    drain: () => queue.drain(),
  };
}

async function takeFromPostgres(
  deps: CancelsDeps,
  request: NewCancel,
  keyed: KeyedRequest,
  { store, render }: { store: Store; render: RenderAnswer },
): Promise<Answer> {
  if (deps.relay.oldestAgeMs() > deps.profile.limits.outboxAgeMaxMs) {
    return answerKnownOr(deps, keyed, overloaded('outbox-age'), render);
  }
  const item = prepare(deps, deps.waiters.fitting(request), keyed);
  const deadlineMs = performance.now() + request.waitSeconds * 1_000;
  const waitId = cancelWaitId(item.paymentId, item.cancelId);
  const waiter = item.answer === null ? deps.waiters.register(waitId) : null;
  try {
    const result = await store(item);
    switch (result.kind) {
      case 'STORED':
        deps.relay.wake();
        await showInCache(deps, item.paymentId).catch(() => undefined);
        if (waiter === null) return accepted(result.cancel);
        await waiter.wait(deadlineMs);
        return await answerWaiting(deps, keyed, result.cancel);
      case 'SAME_KEY':
        return await answerFromRow(deps, keyed, result.row, render);
      case 'REFUSED':
        throw refusedCancel(result.refusal);
      case 'NOT_FOUND':
        throw new ProblemError('NOT_FOUND');
      default:
        return result satisfies never;
    }
  } finally {
    waiter?.cancel();
  }
}

function prepare(deps: CancelsDeps, request: NewCancel, keyed: KeyedRequest): CancelItem {
  const { author, body, waitSeconds } = request;
  const now = deps.clock.now();
  return {
    cancelId: newId(),
    eventId: newId(),
    paymentId: request.paymentId,
    owner: author.kind === 'MERCHANT' ? author.principal : null,
    operator: author.kind === 'OPERATOR' ? author.name : null,
    request: {
      amount: bigintOf(body.amount),
      taxFreeAmount: bigintOf(body.taxFreeAmount),
      expectedBalance: bigintOf(body.expectedBalance),
    },
    reason: body.reason,
    requestedAt: now,
    key: keyed.name,
    fingerprint: keyed.fingerprint,
    answer: waitSeconds > 0 ? null : 202,
    waitMs: waitSeconds > 0 ? waitSeconds * 1_000 : null,
    traceparent: request.traceparent,
    deadlineMs: performance.now() + deps.profile.limits.intakeTimeoutMs,
  };
}

function bigintOf(amount: number | undefined): bigint | null {
  return amount === undefined ? null : BigInt(amount);
}

/** A merchant's key belongs to the merchant and the mode, an operator's to the operator. */
function keyNameOf({ author, idempotencyKey: key }: NewCancel): KeyName {
  if (author.kind === 'OPERATOR') {
    const scope = `operator:${encodeURIComponent(author.name)}`;
    return { merchantId: NO_MERCHANT, livemode: true, scope, key };
  }
  const { merchantId, livemode } = author.principal;
  return { merchantId, livemode, scope: 'cancel', key };
}

/** Who cancels and reads the payment right after sees the cancel: the entry before did not have it. */
async function showInCache(deps: CancelsDeps, paymentId: string): Promise<void> {
  const payment = await readPayment(deps.pool, paymentId);
  if (payment !== null) await deps.cache.write([renderPayment(payment, payment.facts)]);
}

/** Fixes and renders the answer of this request, whose wait is over. */
async function answerWaiting(
  deps: AnswerOnceDeps,
  keyed: KeyedRequest,
  cancel: CancelRequestedData,
): Promise<Answer> {
  const { paymentId, cancelId } = cancel;
  const facts = await readFacts(deps, paymentId);
  const wanted = cancelOutcome(cancelId, facts) === undefined ? 202 : 201;
  // Others only ever fix 202, so a 201 is this one's own: the outcome is among the facts just read.
  const status = await fixAnswer(deps.pool, keyed.name, wanted);
  return {
    status,
    resource: cancelId,
    body: renderAnswer(cancelId, facts, status),
    replayed: false,
  };
}

async function renderStored(
  deps: AnswerOnceDeps,
  paymentId: string,
  cancelId: string,
  status: 201 | 202,
): Promise<string> {
  return renderAnswer(cancelId, await readFacts(deps, paymentId), status);
}

async function readFacts(deps: AnswerOnceDeps, paymentId: string): Promise<readonly FactRow[]> {
  const payment = await readPayment(deps.pool, paymentId);
  if (payment === null) throw new Error('a stored cancel must have its payment');
  return payment.facts;
}

function accepted(cancel: CancelRequestedData): Answer {
  const requested: FactRow = { kind: 'CANCEL_REQUESTED', data: cancel };
  const body = renderAnswer(cancel.cancelId, [requested], 202);
  return { status: 202, resource: cancel.cancelId, body, replayed: false };
}

/** An answer is a function of the request and, for a 201, the first outcome: nothing later. */
function renderAnswer(cancelId: string, facts: readonly FactRow[], status: 201 | 202): string {
  const requested = facts.filter(
    (fact) => fact.kind === 'CANCEL_REQUESTED' && fact.data.cancelId === cancelId,
  );
  const outcome = status === 201 ? cancelOutcome(cancelId, facts) : undefined;
  const view = renderCancel(cancelId, outcome === undefined ? requested : [...requested, outcome]);
  if (view === null) throw new Error('a stored key must have its cancel');
  return JSON.stringify(view);
}
