import { type CancelRefusal, toJsonInteger } from '@mini-pg/domain';
import { type FieldError, ProblemError } from '@mini-pg/runtime';

/** The problem of a cancel that is refused; numbers are told, so that nobody has to guess. */
export function refusedCancel(refusal: CancelRefusal): ProblemError {
  switch (refusal.reason) {
    case 'PAYMENT_NOT_CANCELABLE':
    case 'PAYMENT_NOT_APPROVED':
      return new ProblemError(refusal.reason);
    case 'BALANCE_CHANGED':
      return withBalance('BALANCE_CHANGED', refusal.cancelable);
    case 'AMOUNT_EXCEEDS_BALANCE':
      return withBalance('AMOUNT_EXCEEDS_BALANCE', refusal.cancelable, {
        pointer: '/amount',
        message: `must not be above ${refusal.cancelable}, which is what may still be cancelled`,
      });
    case 'TAX_FREE_OUT_OF_BOUNDS':
      return withBalance('AMOUNT_EXCEEDS_BALANCE', refusal.cancelable, {
        pointer: '/taxFreeAmount',
        message: taxFreeMessage(refusal.least, refusal.most),
      });
    default:
      return refusal satisfies never;
  }
}

function taxFreeMessage(least: bigint, most: bigint): string {
  const bounds = least === most ? `must be ${most}` : `must be from ${least} to ${most}`;
  return `${bounds}, by what is left of the taxed and the tax-free part`;
}

function withBalance(
  code: 'BALANCE_CHANGED' | 'AMOUNT_EXCEEDS_BALANCE',
  cancelable: bigint,
  error?: FieldError,
): ProblemError {
  return new ProblemError(code, {
    extra: { balanceAmount: toJsonInteger(cancelable) },
    ...(error && { errors: [error] }),
  });
}
