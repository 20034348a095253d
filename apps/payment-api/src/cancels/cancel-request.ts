import { hash } from 'node:crypto';
import { amountOrZeroSchema, amountSchema } from '@mini-pg/domain';
import { z } from 'zod';
import { textOrEmptySchema } from '../http/schemas.ts';
import { canonicalJson } from '../payments/request.ts';

const REASON_LENGTH_MAX = 200;

/** The body of `POST /api/v1/payments/{id}/cancels`. */
export const createCancelSchema = z
  .strictObject({
    amount: amountSchema.optional().meta({
      description: 'All that may still be cancelled unless it is given.',
      examples: [5000],
    }),
    taxFreeAmount: amountOrZeroSchema.optional().meta({
      description: 'Part of `amount`; 0 unless it is given, in full what is left of that part.',
    }),
    reason: textOrEmptySchema(REASON_LENGTH_MAX)
      .regex(/\S/, 'must not be blank')
      .meta({ examples: ['The shopper sent one T-shirt back'] }),
    expectedBalance: amountOrZeroSchema.optional().meta({
      description:
        'What the caller believes may still be cancelled: `balanceAmount` less the cancels that ' +
        'are `REQUESTED`, the whole amount while the payment is `REQUESTED`. Another is 409.',
    }),
  })
  .refine(
    ({ amount, taxFreeAmount }) =>
      amount === undefined || taxFreeAmount === undefined || taxFreeAmount <= amount,
    { error: 'must not be above amount', path: ['taxFreeAmount'] },
  )
  .meta({
    id: 'CreateCancel',
    examples: [
      { reason: 'The shopper changed their mind' },
      { amount: 5000, reason: 'One of two came back', expectedBalance: 19900 },
    ],
  });

export type CreateCancel = z.output<typeof createCancelSchema>;

/** SHA-256 over the path and the validated body, as for a payment. No field has a default. */
export function cancelFingerprint(path: string, body: CreateCancel): Buffer {
  return hash('sha256', canonicalJson([path, body]), 'buffer');
}
