const REMAKE = 'pnpm --filter @mini-pg/e2e exec vitest run --project e2e idempotency --update';

/** `docs/reference/idempotency.md` around the table of what was seen. */
export function idempotencyPage(table: string): string {
  return `${[
    `<!-- Made by e2e/test/idempotency.e2e.test.ts: \`${REMAKE}\`. -->`,
    '# Idempotency, as seen',
    'What `POST /api/v1/payments` answers when a request comes again, or nearly: each case played against two instances of payment-api, with a Redis that is killed and comes back empty. The rules themselves are in [HTTP](http.md#idempotency); why they hold, in [how money stays single](../explanation/money-stays-single.md).',
    'The draft is [draft-ietf-httpapi-idempotency-key-header](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). An effect is a payment: every case ends with a count of the payments of its order and of the ids that were answered, and the whole run with another one and with the auditor. *The first answer again* is its status, its body, its `Location`, and `Idempotent-Replayed: true`.',
    table,
    'The same cases play against any API: [how to](../how-to/prove-idempotency.md).',
  ].join('\n\n')}\n`;
}
