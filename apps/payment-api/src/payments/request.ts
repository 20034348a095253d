import { hash } from 'node:crypto';
import {
  amountOrZeroSchema,
  amountSchema,
  currencySchema,
  customerSchema,
  paymentSourceSchema,
} from '@mini-pg/domain';
import { z } from 'zod';
import { textOrEmptySchema, textSchema } from '../http/schemas.ts';

const ORDER_ID = /^[A-Za-z0-9_-]{6,64}$/;
const CURRENCY_DEFAULT = 'KRW';
const METADATA_KEYS_MAX = 20;

const metadataSchema = z
  .record(textSchema(40), textOrEmptySchema(500))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_KEYS_MAX, {
    error: `must have at most ${METADATA_KEYS_MAX} keys`,
  });

/** The body of `POST /api/v1/payments`. */
export const createPaymentSchema = z
  .strictObject({
    orderId: z
      .string()
      .regex(ORDER_ID, 'must be 6 to 64 of A-Z a-z 0-9 _ -')
      .meta({ examples: ['order-20260331-0001'] }),
    amount: amountSchema.meta({ examples: [19900] }),
    currency: currencySchema.default(CURRENCY_DEFAULT),
    taxFreeAmount: amountOrZeroSchema.default(0),
    orderName: textSchema(100)
      .optional()
      .meta({ examples: ['Two T-shirts'] }),
    customer: customerSchema.optional(),
    source: paymentSourceSchema,
    expiresAt: z.iso.datetime({ offset: true }).optional().meta({
      description: 'After it no call to the PG is begun; 10 minutes from now by default.',
    }),
    metadata: metadataSchema.default({}),
  })
  .refine((body) => body.taxFreeAmount <= body.amount, {
    error: 'must not be above amount',
    path: ['taxFreeAmount'],
  })
  .meta({
    id: 'CreatePayment',
    examples: [
      {
        orderId: 'order-20260331-0001',
        amount: 19900,
        orderName: 'Two T-shirts',
        source: { kind: 'window', pg: 'toss', paymentKey: 'tgen_20260331000001abcd' },
      },
    ],
  });

export type CreatePayment = z.output<typeof createPaymentSchema>;

/**
 * SHA-256 over the path and the validated body in canonical form: keys sorted, defaults left out.
 * Key order and white space do not matter, every value does.
 */
export function fingerprintOf(path: string, body: CreatePayment): Buffer {
  const { currency, taxFreeAmount, metadata, expiresAt, source, ...rest } = body;
  const { pgOrderId, ...window } = source;
  const significant = {
    ...rest,
    source: {
      ...window,
      ...(pgOrderId !== undefined && pgOrderId !== body.orderId && { pgOrderId }),
    },
    ...(currency !== CURRENCY_DEFAULT && { currency }),
    ...(taxFreeAmount !== 0 && { taxFreeAmount }),
    ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  return hash('sha256', canonicalJson([path, significant]), 'buffer');
}

/** JSON with sorted keys and no white space; members without a value are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
