import type { z } from 'zod';

const REQUEST_TIMEOUT_MS = 40_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** One request; JSON in, text out. Rejects only when no answer came. */
export async function send(url: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, timeoutMs = REQUEST_TIMEOUT_MS } = options;
  const hasBody = body !== undefined;
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(hasBody && { 'content-type': 'application/json' }) },
    ...(hasBody && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  // As it was sent: `text()` would take away a byte order mark.
  const text = Buffer.from(await response.arrayBuffer()).toString('utf8');
  return { status: response.status, headers: response.headers, text };
}

/** @throws Error with the whole answer when the status is another one */
export function read<T extends z.ZodType>(answer: Answer, status: number, schema: T): z.output<T> {
  if (answer.status === status) return schema.parse(JSON.parse(answer.text));
  throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`);
}
