import { z } from 'zod';

/** The thirteen codes that every PG's answers are mapped to. */
export const UNIFIED_CODES = [
  'CARD_DECLINED',
  'INSUFFICIENT_FUNDS_OR_LIMIT',
  'INVALID_PAYMENT_METHOD',
  'AUTHENTICATION_FAILED',
  'INVALID_REQUEST',
  'AMOUNT_MISMATCH',
  'ALREADY_PROCESSED',
  'NOT_FOUND',
  'NOT_CANCELABLE',
  'IN_PROGRESS',
  'PROVIDER_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'CONFIG_ERROR',
] as const;

export type UnifiedCode = (typeof UNIFIED_CODES)[number];

/** Reasons of our own for which a payment or a cancel fails (docs/reference/http.md). */
export const OWN_FAILURE_CODES = [
  'EXPIRED',
  'SOURCE_ALREADY_USED',
  'METHOD_NOT_SUPPORTED',
  'CANCELLED_BEFORE_APPROVAL',
  'PAYMENT_FAILED',
] as const;

/** What our own reasons mean, and what the merchant does about each. */
export const OWN_FAILURES = {
  EXPIRED: {
    meaning: 'no call to the PG could be made before `expiresAt`',
    action: 'request a new payment',
  },
  SOURCE_ALREADY_USED: {
    meaning: 'what the shopper authenticated belongs to another payment',
    action: 'read that payment, or open the window again',
  },
  METHOD_NOT_SUPPORTED: {
    meaning: 'the shopper chose a method that the platform does not take, such as a deposit',
    action: 'let the shopper choose another method',
  },
  CANCELLED_BEFORE_APPROVAL: {
    meaning: 'a cancel came before the first call to the PG',
    action: 'nothing: no money moved',
  },
  PAYMENT_FAILED: {
    meaning: 'a cancel waited for the outcome of its payment, and that is a failure',
    action: 'nothing: no money moved',
  },
} as const satisfies Record<
  (typeof OWN_FAILURE_CODES)[number],
  { readonly meaning: string; readonly action: string }
>;

export const FAILURE_CODES = [...UNIFIED_CODES, ...OWN_FAILURE_CODES] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** Why a payment or a cancel failed. `retryable`: a new payment with the same method may succeed. */
export const failureSchema = z
  .object({
    code: z.enum(FAILURE_CODES),
    message: z.string(),
    retryable: z.boolean(),
    pgCode: z.string().nullable().meta({ description: "The PG's own code, for support." }),
  })
  .meta({ id: 'Failure' });

export type Failure = z.infer<typeof failureSchema>;
