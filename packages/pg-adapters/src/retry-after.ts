import type { AnswerHeaders } from './http-exchange.ts';

const SECONDS = /^[0-9]{1,9}$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/;

/**
 * `Retry-After` of an answer in milliseconds (RFC 9110, section 10.2.3): seconds, or a date, which
 * is counted from the answer's own `Date`, since the PG's clock may differ from ours. Null where it
 * is absent or unreadable.
 */
export function retryAfterMsOf(headers: AnswerHeaders): number | null {
  const said = single(headers['retry-after']);
  if (said === null) return null;
  if (SECONDS.test(said)) return Number(said) * 1_000;
  if (!HTTP_DATE.test(said)) return null;
  const untilMs = Date.parse(said) - Date.parse(single(headers.date) ?? '');
  return Number.isNaN(untilMs) ? null : Math.max(0, untilMs);
}

function single(header: string | string[] | undefined): string | null {
  return (Array.isArray(header) ? header[0] : header)?.trim() ?? null;
}
