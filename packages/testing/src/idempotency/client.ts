import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { type Json, parseJson } from './json.ts';

/** A request as it goes on the wire. */
export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined for a request without a body. */
  readonly body: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the text is no JSON. */
  readonly body: Json | undefined;
}

/** No answer came, for the reason in the message. */
export class NoAnswerError extends Error {}

const ANSWER_TIMEOUT_MS = 60_000;

/** @throws NoAnswerError */
export async function exchange({ method, url, headers, body }: WireRequest): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      headers: withType(headers, body),
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parseJson(text) };
  } catch (error) {
    throw new NoAnswerError(reasonOf(error), { cause: error });
  }
}

/**
 * Sends a request, or the first half of its body, and closes the connection without waiting for an
 * answer; resolves once it is closed.
 */
export function abandon(
  { method, url, headers, body = '' }: WireRequest,
  sent: 'whole' | 'half',
): Promise<void> {
  const open = url.startsWith('https:') ? requestByHttps : requestByHttp;
  const bytes = Buffer.from(body);
  const request = open(url, {
    method,
    headers: { ...withType(headers, body), 'content-length': String(bytes.length) },
    // A connection of its own, so that closing it hits nobody else.
    agent: false,
  });
  const closed = new Promise<void>((resolve) => {
    request.once('close', () => resolve());
    request.on('error', () => undefined);
  });
  if (sent === 'whole') {
    request.end(bytes);
    request.once('finish', () => request.destroy());
  } else {
    request.write(bytes.subarray(0, bytes.length / 2), () => request.destroy());
  }
  return closed;
}

function withType(headers: WireRequest['headers'], body: string | undefined) {
  return { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  return `${cause instanceof Error ? cause.message : cause}${code}`;
}
