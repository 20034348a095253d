import type { UnifiedCode } from '@mini-pg/domain';

export interface CodeFacts {
  readonly meaning: string;
  /** The processor may send the same operation again by itself. */
  readonly retryable: boolean;
  /** It may have happened already: a status inquiry comes before anything else. */
  readonly queryFirst: boolean;
  readonly action: string;
  /**
   * An error answer with this code leaves no doubt about the call that it answers: nothing was
   * executed by it. Where false, the answer is UNKNOWN.
   */
  readonly certain: boolean;
}

/** The thirteen codes. Every PG's own codes are mapped to these. */
export const TAXONOMY = {
  CARD_DECLINED: {
    meaning: 'issuer or risk engine refuses, no finer reason',
    retryable: false,
    queryFirst: false,
    action: 'other method',
    certain: true,
  },
  INSUFFICIENT_FUNDS_OR_LIMIT: {
    meaning: 'balance, one-time, daily or monthly limit',
    retryable: false,
    queryFirst: false,
    action: 'tell the buyer; a recurring charge waits for its next dunning day',
    certain: true,
  },
  INVALID_PAYMENT_METHOD: {
    meaning: 'number, expiry, lost, suspended, dead billing key',
    retryable: false,
    queryFirst: false,
    action: 'replace the method',
    certain: true,
  },
  AUTHENTICATION_FAILED: {
    meaning: 'the buyer cancelled, was rejected, or the approval window passed',
    retryable: false,
    queryFirst: false,
    action: 'restart checkout',
    certain: true,
  },
  INVALID_REQUEST: {
    meaning: 'our input or state is wrong',
    retryable: false,
    queryFirst: false,
    action: 'fix it; alert if frequent',
    certain: true,
  },
  AMOUNT_MISMATCH: {
    meaning: 'the amount differs, or exceeds what remains',
    retryable: false,
    queryFirst: false,
    action: 're-read the balance; alert on approve',
    certain: true,
  },
  ALREADY_PROCESSED: {
    meaning: 'the operation was done before',
    retryable: false,
    queryFirst: true,
    action: 'inquire; a success if everything matches',
    certain: true,
  },
  NOT_FOUND: {
    meaning: 'payment or transaction unknown',
    retryable: false,
    queryFirst: false,
    action: 'check the account and the environment',
    certain: true,
  },
  NOT_CANCELABLE: {
    meaning: 'rule, deadline or capability forbids the cancel',
    retryable: false,
    queryFirst: false,
    action: 'manual refund',
    certain: true,
  },
  IN_PROGRESS: {
    meaning: 'the same operation, or the same user, is still running',
    retryable: true,
    queryFirst: true,
    action: 'wait 2 to 5 s and ask again; with the same key where there are keys',
    certain: false,
  },
  PROVIDER_UNAVAILABLE: {
    meaning: 'maintenance, line fault before execution, rate limit',
    retryable: true,
    queryFirst: false,
    action: 'again with backoff and jitter; circuit breaker',
    certain: true,
  },
  OUTCOME_UNKNOWN: {
    meaning: 'timeout, 5xx after sending, internal error',
    retryable: false,
    queryFirst: true,
    action: 'inquire; hold the payment as unknown',
    certain: false,
  },
  CONFIG_ERROR: {
    meaning: 'credentials, signature, merchant setup, source address',
    retryable: false,
    queryFirst: false,
    action: 'page the operator; stop that account',
    certain: true,
  },
} as const satisfies Record<UnifiedCode, CodeFacts>;

/** What kind of call an answer belongs to, where that changes what the answer means. */
export type Operation = 'APPROVE' | 'INQUIRE' | 'CANCEL' | 'NET_CANCEL';

/**
 * What an answer means that is not listed anywhere: it never declines.
 * An inquiry changes nothing, so there it is only the PG that is of no use at the moment.
 */
export function unlistedCode(operation: Operation): UnifiedCode {
  return operation === 'INQUIRE' ? 'PROVIDER_UNAVAILABLE' : 'OUTCOME_UNKNOWN';
}
