import { z } from 'zod';
import { businessDateSchema } from './business-date.ts';

export const MERCHANT_STATUSES = ['ACTIVE', 'SUSPENDED'] as const;

export const VAT_MODES = ['EXCLUSIVE', 'INCLUSIVE'] as const;

/**
 * What a merchant pays for a payment, from a business date on: `feePpm` millionths of the amount
 * (2.9 % is 29000), `fixedFee` minor units, payout after `payoutDays` business days.
 */
export const termsSchema = z
  .strictObject({
    feePpm: z.int().min(0).max(1_000_000),
    fixedFee: z.int().min(0).max(1_000_000_000),
    vatMode: z.enum(VAT_MODES),
    payoutDays: z.int().min(1).max(60),
    from: businessDateSchema,
  })
  .meta({ id: 'Terms' });

export type Terms = z.infer<typeof termsSchema>;
