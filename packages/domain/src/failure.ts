import { z } from 'zod';

/** The thirteen codes that every PG's answers are mapped to (pg-protocols, section 8). */
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

/** Reasons of our own for which a payment fails (design, section 6). */
export const OWN_FAILURE_CODES = [
  'EXPIRED',
  'SOURCE_ALREADY_USED',
  'METHOD_NOT_SUPPORTED',
  'CANCELLED_BEFORE_APPROVAL',
] as const;

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
