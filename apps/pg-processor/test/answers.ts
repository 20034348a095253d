import type { UnifiedCode } from '@mini-pg/domain';
import type {
  PaymentAnswer,
  PgAnswer,
  PgFailure,
  PgPayment,
  PgPaymentState,
} from '@mini-pg/pg-adapters';
import type { Decision, Expected } from '../src/decisions/decision.ts';

export const EXPECTED: Expected = {
  pgPaymentId: 'key-1',
  pgOrderId: 'order-1',
  amount: 15_000n,
  currency: 'KRW',
};

const EVIDENCE = { httpStatus: 200, pgTraceId: 'trace', latencyMs: 5, rawStatus: 'DONE' };

export function payment(over: Partial<PgPayment> = {}): PgPayment {
  return {
    pgPaymentId: 'key-1',
    pgOrderId: 'order-1',
    pgTransactionId: 'tx-1',
    amount: 15_000n,
    balanceAmount: 15_000n,
    currency: 'KRW',
    methodDetail: {
      type: 'CARD',
      issuer: '61',
      acquirer: '31',
      cardType: 'CREDIT',
      ownerType: null,
      installmentMonths: 0,
      interestFree: false,
      approveNo: '00000000',
      maskedNumber: '433012******1234',
    },
    approvedAt: '2026-03-02T01:00:00.000Z',
    failure: null,
    cancels: [],
    ...over,
  };
}

export function shown(state: PgPaymentState, over: Partial<PgPayment> = {}): PaymentAnswer {
  return { kind: 'PAYMENT', state, payment: payment(over), evidence: EVIDENCE };
}

export function refused(code: UnifiedCode): PgFailure {
  return {
    kind: 'REFUSED',
    error: { code, pgCode: `PG_${code}`, message: `refused: ${code}` },
    evidence: { ...EVIDENCE, httpStatus: 400, rawStatus: null },
  };
}

export function notSent(reason: 'UNREACHABLE' | 'WITHHELD' | 'UNSENDABLE'): PgFailure {
  const code = reason === 'UNSENDABLE' ? 'INVALID_REQUEST' : 'PROVIDER_UNAVAILABLE';
  return {
    kind: 'NOT_SENT',
    reason,
    error: { code, pgCode: null, message: `not sent: ${reason}` },
    evidence: { ...EVIDENCE, httpStatus: null, rawStatus: null },
  };
}

export function unclear(kind: 'NO_ANSWER' | 'UNKNOWN'): PgFailure {
  return {
    kind,
    error: { code: 'OUTCOME_UNKNOWN', pgCode: null, message: kind },
    evidence: { ...EVIDENCE, httpStatus: null, rawStatus: null },
  };
}

/** One answer of every kind, state, code and reason there is, by name. */
export const STATES: readonly PgPaymentState[] = [
  'PAID',
  'IN_PROGRESS',
  'FAILED',
  'CANCELLED',
  'PARTIALLY_CANCELLED',
  'WAITING_FOR_DEPOSIT',
  'UNLISTED',
];

export function allAnswers(codes: readonly UnifiedCode[]): ReadonlyMap<string, PgAnswer> {
  return new Map<string, PgAnswer>([
    ...STATES.map((state) => [state, shown(state)] as const),
    // The one word that is a state and a code.
    ...codes.map(
      (code) => [code === 'IN_PROGRESS' ? 'STILL_RUNNING' : code, refused(code)] as const,
    ),
    ...(['UNREACHABLE', 'WITHHELD', 'UNSENDABLE'] as const).map(
      (reason) => [reason, notSent(reason)] as const,
    ),
    ['NO_ANSWER', unclear('NO_ANSWER')],
    ['UNKNOWN', unclear('UNKNOWN')],
  ]);
}

/** A decision as a grid shows it. */
export function inShort(decision: Decision): string {
  switch (decision.kind) {
    case 'WAIT':
      return decision.notExecuted === null ? 'WAIT' : 'WAIT, not executed';
    case 'ESCALATE':
      return `ESCALATE ${decision.exception}`;
    case 'CANCEL_REFUSED': {
      const { failure, contradiction } = decision;
      const words = `CANCEL_REFUSED ${failure.code}`;
      return contradiction === null ? words : `${words} !${contradiction.exception}`;
    }
    default:
      return 'failure' in decision ? `${decision.kind} ${decision.failure.code}` : decision.kind;
  }
}
