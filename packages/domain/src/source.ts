import { z } from 'zod';
import { pgSchema } from './gateways.ts';

const PRINTABLE = /^[\x21-\x7e]+$/;

/** A payment that the shopper authenticated in a PG's window (Toss: `paymentKey`, at most 200). */
export const windowSourceSchema = z
  .strictObject({
    kind: z.literal('window'),
    pg: pgSchema,
    paymentKey: z.string().min(1).max(200).regex(PRINTABLE, 'must be visible ASCII'),
    pgOrderId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{6,64}$/, 'must be 6 to 64 of A-Z a-z 0-9 _ -')
      .optional()
      .meta({ description: 'What the window was opened with, when it is not `orderId`.' }),
  })
  .meta({ id: 'WindowSource' });

/** What is charged: a tagged union by `kind`. */
export const paymentSourceSchema = z
  .discriminatedUnion('kind', [windowSourceSchema])
  .meta({ id: 'PaymentSource' });

export type PaymentSource = z.infer<typeof paymentSourceSchema>;

export const customerSchema = z
  .strictObject({
    name: z.string().min(1).max(100).optional(),
    email: z.email().max(254).optional(),
    phone: z
      .string()
      .regex(/^\+?[0-9-]{8,20}$/, 'must be 8 to 20 digits')
      .optional(),
  })
  .meta({ id: 'Customer', description: 'Personal data: stored and sent sealed, never answered.' });

export type Customer = z.infer<typeof customerSchema>;

/** How it was paid, in one shape for all PGs; null where the PG does not say. */
export const methodDetailSchema = z
  .object({
    type: z.string(),
    issuer: z.string().nullable(),
    acquirer: z.string().nullable(),
    cardType: z.string().nullable(),
    ownerType: z.string().nullable(),
    installmentMonths: z.int().nullable(),
    interestFree: z.boolean().nullable(),
    approveNo: z.string().nullable(),
    maskedNumber: z.string().nullable(),
  })
  .meta({ id: 'MethodDetail' });

export type MethodDetail = z.infer<typeof methodDetailSchema>;
