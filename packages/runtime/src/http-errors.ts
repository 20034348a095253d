/**
 * Every error that the HTTP services answer: the one table behind the code, the OpenAPI document
 * and `docs/reference/errors.md`. `action` is what the caller does next.
 */
export const HTTP_ERRORS = {
  MALFORMED_REQUEST: {
    status: 400,
    title: 'The request cannot be read',
    action: 'Send the request as the OpenAPI document describes it; the body must be JSON.',
  },
  VALIDATION_FAILED: {
    status: 400,
    title: 'The request is not valid',
    action: 'Correct the fields that `errors` points at.',
  },
  IDEMPOTENCY_KEY_MISSING: {
    status: 400,
    title: 'Idempotency-Key is missing',
    action:
      'Send an `Idempotency-Key` header, a new one for each payment or cancel; a UUID does well.',
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    title: 'Idempotency-Key is malformed',
    action: 'Use 8 to 255 visible ASCII characters, bare or as a quoted string.',
  },
  INVALID_ID: {
    status: 400,
    title: 'The id is malformed',
    action: 'Use the UUID that the platform answered.',
  },
  INVALID_CURSOR: {
    status: 400,
    title: 'The cursor is malformed',
    action: 'Use `nextCursor` of the page before, unchanged, or leave it out.',
  },
  UNAUTHORIZED: {
    status: 401,
    title: 'The credentials are missing or wrong',
    action:
      'Send `Authorization: Bearer <key>`: a secret key on merchant paths, an operator token on admin paths.',
  },
  MERCHANT_SUSPENDED: {
    status: 403,
    title: 'The merchant is suspended',
    action: 'Reads go on; ask the operator of the platform about new payments.',
  },
  FORBIDDEN: {
    status: 403,
    title: 'The role does not allow this',
    action: 'Use a token whose role allows the change.',
  },
  NOT_FOUND: {
    status: 404,
    title: 'There is no such object',
    action: 'Check the path, the id and that the key belongs to the same merchant and mode.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: 'The path does not take this method',
    action: 'Use one of the methods in `Allow`.',
  },
  IDEMPOTENCY_KEY_IN_USE: {
    status: 409,
    title: 'The first request with this key is still running',
    action: 'Repeat the same request with the same key after `Retry-After` seconds.',
  },
  ORDER_ALREADY_ACTIVE: {
    status: 409,
    title: 'The order already has a live payment',
    action:
      'Read the payment in `paymentId`; a new one is taken once that one failed or is cancelled in full.',
  },
  PAYMENT_NOT_CANCELABLE: {
    status: 409,
    title: 'Nothing of the payment can be cancelled',
    action:
      'Read the payment: it failed, is cancelled in full, or all that is left is being cancelled.',
  },
  PAYMENT_NOT_APPROVED: {
    status: 409,
    title: 'The payment has no outcome yet',
    action: 'Cancel the whole by leaving out `amount`, or repeat once the payment is approved.',
  },
  BALANCE_CHANGED: {
    status: 409,
    title: 'The balance is not the expected one',
    action: 'Decide anew by `balanceAmount`, which is what may still be cancelled.',
  },
  KEY_LIMIT_REACHED: {
    status: 409,
    title: 'Two keys of this mode are live already',
    action: 'Revoke one of them first.',
  },
  EXCEPTION_RESOLVED: {
    status: 409,
    title: 'The exception is resolved already',
    action: 'Nothing was changed; `resolvedBy`, `resolvedAt` and `resolution` say how it ended.',
  },
  RESOLUTION_REFUSED: {
    status: 409,
    title: 'The exception cannot be resolved like this',
    action: 'Nothing was changed; `detail` says why and what may be done.',
  },
  SETTLEMENT_INCOMPLETE: {
    status: 409,
    title: 'The statement is still being received',
    action: 'Repeat after `Retry-After` seconds.',
  },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large', action: 'Send a smaller body.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The media type is not supported',
    action: 'Send `Content-Type: application/json`.',
  },
  NOT_ACCEPTABLE: {
    status: 406,
    title: 'No such representation',
    action: 'Accept `application/json`, or `text/csv` where the call offers it.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: 'The key was used for another request',
    action: 'Use a new key for a new request; repeat a request with the same body only.',
  },
  PG_NOT_AVAILABLE: {
    status: 422,
    title: 'The payment gateway is not available here',
    action: 'Use a payment gateway that this environment has switched on.',
  },
  AMOUNT_EXCEEDS_BALANCE: {
    status: 422,
    title: 'The amount is above what may still be cancelled',
    action:
      'Cancel at most `balanceAmount`, and of each part, taxed and free of tax, at most what is left.',
  },
  TERMS_TOO_EARLY: {
    status: 422,
    title: 'Terms cannot take effect that early',
    action: 'Let `from` be tomorrow (Asia/Seoul) or later.',
  },
  RATE_LIMITED: {
    status: 429,
    title: 'Too many requests',
    action: 'Wait for `Retry-After` seconds.',
  },
  INTERNAL: {
    status: 500,
    title: 'Something went wrong on our side',
    action: 'Repeat with the same key; give `traceId` to support when it stays.',
  },
  OVERLOADED: {
    status: 503,
    title: 'The service takes no new work at this moment',
    action: 'Repeat with the same key after `Retry-After` seconds; nothing was stored.',
  },
  RESULT_UNKNOWN: {
    status: 504,
    title: 'The request may or may not have been stored',
    action: 'Repeat with the same key: it is answered by what was stored, never executed twice.',
  },
} as const satisfies Record<string, { status: number; title: string; action: string }>;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;
