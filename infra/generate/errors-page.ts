import { OWN_FAILURES, UNIFIED_CODES } from '@mini-pg/domain';
import { TAXONOMY } from '@mini-pg/pg-adapters';
import { HTTP_ERRORS, type HttpErrorCode, ProblemError } from '@mini-pg/runtime';
import { code, page, table } from './markdown.ts';

/** `docs/reference/errors.md`: the problems of the HTTP services, and why a payment fails. */
export function errorsPage(): string {
  return page('`packages/runtime`, `packages/domain` and `packages/pg-adapters`', [
    '# Errors',
    'Two things go by that name. A **problem** is the answer to a request that was refused: nothing, or nothing new, was stored. A **failure** is the outcome of a payment or a cancel that was taken: the request was answered with 202 or 201, and the payment or the cancel ends `FAILED`.',
    '## Problems',
    'A refusal is a problem of RFC 9457, `Content-Type: application/problem+json`. `code` is stable and made for programs; `detail` says to a person what to do; `errors` points at the fields of a bad body (RFC 6901) or names a parameter. `traceId` is for support. No problem carries a stack trace, SQL or a secret.',
    exampleProblem(),
    table(
      ['Status', 'Code', 'Title', 'What to do'],
      problems().map(([name, { status, title, action }]) => [
        String(status),
        code(name),
        title,
        action,
      ]),
    ),
    'Beside the members of every problem: `paymentId` with `ORDER_ALREADY_ACTIVE`; `balanceAmount`, which is what may still be cancelled, with `BALANCE_CHANGED` and `AMOUNT_EXCEEDS_BALANCE`; the header `Retry-After` (seconds) wherever the last column says so; the header `Allow` with `METHOD_NOT_ALLOWED`.',
    'Repeat a request for a payment or a cancel with the **same** `Idempotency-Key` after any 409 `IDEMPOTENCY_KEY_IN_USE`, 429, 500, 503 or 504, and when no answer came at all: it is executed at most once. Change the request, and with it the key, after a 400 or 422.',
    '## Failures',
    '`failure` of a payment or a cancel is `{code, message, retryable, pgCode}`. `retryable`: a new payment with the same method may succeed. `pgCode` is the own code of the payment gateway (PG), for its help desk. The platform itself never tries again what may have been executed.',
    '### Reasons of the platform',
    table(
      ['Code', 'Meaning', 'What to do'],
      Object.entries(OWN_FAILURES).map(([name, { meaning, action }]) => [
        code(name),
        meaning,
        action,
      ]),
    ),
    "### Reasons of a PG, in the platform's words",
    'Every code of every PG is mapped to one of thirteen. A code that no table lists is `OUTCOME_UNKNOWN` on an approval or a cancel, never a decline. *Certain*: an error answer with this code leaves no doubt that the call that it answers executed nothing. *Repeats*: the processor may make the same operation again by itself. *Asks first*: it may have happened already, so an inquiry comes before anything else.',
    table(
      ['Code', 'Meaning', 'What to do', 'Certain', 'Repeats', 'Asks first'],
      UNIFIED_CODES.map((name) => {
        const { meaning, action, certain, retryable, queryFirst } = TAXONOMY[name];
        return [code(name), meaning, action, yesNo(certain), yesNo(retryable), yesNo(queryFirst)];
      }),
    ),
    'A payment whose outcome is not known does not fail: it stays `REQUESTED` until an inquiry settles it or a person does.',
  ]);
}

function problems(): [string, (typeof HTTP_ERRORS)[HttpErrorCode]][] {
  return Object.entries(HTTP_ERRORS).sort(([, a], [, b]) => a.status - b.status);
}

function exampleProblem(): string {
  const problem = new ProblemError('VALIDATION_FAILED', {
    errors: [{ pointer: '/amount', message: 'Too small: expected number to be >=1' }],
  });
  const body = problem.body('4bf92f3577b34da6a3ce929d0e0e4736');
  return ['```json', JSON.stringify(body, null, 2), '```'].join('\n');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : '';
}
