import type { z } from 'zod';

const REQUEST_TIMEOUT_MS = 40_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** One request with JSON in and any text out; whatever the status, it is an answer. */
export async function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  const hasBody = body !== undefined;
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(hasBody && { 'content-type': 'application/json' }) },
    ...(hasBody && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/**
 * The body of an answer, read by a schema.
 *
 * @throws Error with the answer when its status is another one.
 */
export function read<T extends z.ZodType>(answer: Answer, status: number, schema: T): z.output<T> {
  if (answer.status === status) return schema.parse(JSON.parse(answer.text));
  throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`);
}
