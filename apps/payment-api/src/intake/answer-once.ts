import { isTransient, type PostgresPool } from '@mini-pg/database';
import { failpoint, ProblemError, QueueFullError } from '@mini-pg/runtime';
import { overloaded } from '../overload/overloaded.ts';
import type { FastPath, Marker } from './fast-path.ts';
import { NotStoredError, ResultUnknownError } from './intake-store.ts';
import { fixAnswer, type KeyName, type KeyRow, readKey } from './key-row.ts';

/** A request that is executed once, however often it comes. */
export interface KeyedRequest {
  readonly name: KeyName;
  readonly fingerprint: Buffer;
}

/** What a request is answered with, the first time and every time after. */
export interface Answer {
  readonly status: 201 | 202;
  /** The id of what it made. */
  readonly resource: string;
  readonly body: string;
  readonly replayed: boolean;
}

/** An answer is a function of the creation and, for a 201, the first outcome: nothing later. */
export type RenderAnswer = (resource: string, status: 201 | 202) => Promise<string>;

export interface AnswerOnceDeps {
  readonly pool: PostgresPool;
  readonly fastPath: FastPath;
}

const RETRY_AFTER_SECONDS = 1;

/**
 * Answers a request from what Redis knows of its key, or else by `execute`, which decides by what
 * Postgres knows of it.
 *
 * @throws ProblemError for every refusal (docs/reference/errors.md).
 */
export async function answerOnce(
  deps: AnswerOnceDeps,
  request: KeyedRequest,
  work: { readonly execute: () => Promise<Answer>; readonly render: RenderAnswer },
): Promise<Answer> {
  const key = redisKey(request.name);
  const fingerprint = fingerprintText(request);
  const marker = await deps.fastPath.begin(key, fingerprint);
  const known = await answerFromMarker(deps, request, marker, work.render);
  if (known !== null) return known;
  try {
    const answer = await work.execute();
    failpoint('payment-api.intake.before-answer');
    const { status, resource, body } = answer;
    void deps.fastPath.finish(key, { fingerprint, answer: status, resource, body });
    return answer;
  } catch (error) {
    // Not running any more: its own marker goes, so that a refusal does not burn the key.
    if ('token' in marker) void deps.fastPath.release(key, marker.token, fingerprint);
    throw asProblem(error);
  }
}

/** What Redis alone can answer; null sends the request on to Postgres. */
async function answerFromMarker(
  deps: AnswerOnceDeps,
  request: KeyedRequest,
  marker: Marker,
  render: RenderAnswer,
): Promise<Answer | null> {
  if (marker.kind === 'UNKNOWN' || marker.kind === 'FIRST') return null;
  if (marker.fingerprint !== fingerprintText(request))
    throw new ProblemError('IDEMPOTENCY_KEY_REUSED');
  if (marker.kind === 'ANSWERED') {
    const { answer, resource, body } = marker;
    return { status: answer, resource, body, replayed: true };
  }
  // The first request may have been answered since, or its process may have ended: Postgres knows.
  const row = await readKey(deps.pool, request.name).catch(() => null);
  if (row === null) throw inUse();
  return answerFromRow(deps, request, row, render);
}

/** A refusal for a request whose key is not known; the answer of the one that is. */
export async function answerKnownOr(
  deps: AnswerOnceDeps,
  request: KeyedRequest,
  refusal: ProblemError,
  render: RenderAnswer,
): Promise<Answer> {
  const row = await readKey(deps.pool, request.name).catch(() => null);
  if (row === null) throw refusal;
  return answerFromRow(deps, request, row, render);
}

/** The answer of a request whose key is known. */
export async function answerFromRow(
  deps: AnswerOnceDeps,
  request: KeyedRequest,
  row: KeyRow,
  render: RenderAnswer,
): Promise<Answer> {
  if (!row.fingerprint.equals(request.fingerprint))
    throw new ProblemError('IDEMPOTENCY_KEY_REUSED');
  if (row.answer === null && !row.due) throw inUse();
  const status = row.answer ?? (await fixAnswer(deps.pool, request.name, 202));
  const body = await render(row.resource, status);
  return { status, resource: row.resource, body, replayed: true };
}

function redisKey({ merchantId, livemode, scope, key }: KeyName): string {
  return `${merchantId}:${livemode ? 'live' : 'test'}:${scope}:${key}`;
}

function fingerprintText(request: KeyedRequest): string {
  return request.fingerprint.toString('hex');
}

function inUse(): ProblemError {
  return new ProblemError('IDEMPOTENCY_KEY_IN_USE', { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function asProblem(error: unknown): unknown {
  if (error instanceof QueueFullError) return overloaded('queue-full');
  if (error instanceof NotStoredError) return overloaded('database');
  if (error instanceof ResultUnknownError || isTransient(error)) {
    return new ProblemError('RESULT_UNKNOWN', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
  return error;
}
