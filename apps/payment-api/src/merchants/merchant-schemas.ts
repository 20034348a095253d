import { MERCHANT_STATUSES, termsSchema } from '@mini-pg/domain';
import { z } from 'zod';
import { dateSchema, textSchema } from '../http/schemas.ts';

const NAME_LENGTH_MAX = 100;

const nameSchema = textSchema(NAME_LENGTH_MAX).meta({ examples: ['Hanbit Books'] });

/** Terms as they are given; `from` has a default that depends on the call. */
const newTermsSchema = termsSchema
  .omit({ from: true })
  .extend({ from: dateSchema.optional() })
  .meta({ id: 'NewTerms' });

export type NewTerms = z.output<typeof newTermsSchema>;

const TERMS_EXAMPLE = { feePpm: 29_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 3 } as const;

export const createMerchantSchema = z
  .strictObject({
    name: nameSchema,
    terms: newTermsSchema.meta({ description: '`from` is today unless it is given.' }),
  })
  .meta({
    id: 'CreateMerchant',
    examples: [{ name: 'Hanbit Books', terms: TERMS_EXAMPLE }],
  });

export type CreateMerchant = z.output<typeof createMerchantSchema>;

export const updateMerchantSchema = z
  .strictObject({
    name: nameSchema.optional(),
    status: z.enum(MERCHANT_STATUSES).optional(),
    terms: newTermsSchema
      .optional()
      .meta({ description: '`from` is tomorrow unless it is given, and never earlier.' }),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    error: 'must have at least one of name, status, terms',
  })
  .meta({
    id: 'UpdateMerchant',
    examples: [{ status: 'SUSPENDED' }, { terms: { ...TERMS_EXAMPLE, feePpm: 25_000 } }],
  });

export type UpdateMerchant = z.output<typeof updateMerchantSchema>;

export const createKeySchema = z
  .strictObject({
    livemode: z
      .boolean()
      .default(true)
      .meta({ description: 'A key sees the payments of its own mode only.' }),
  })
  .meta({ id: 'CreateKey', examples: [{ livemode: true }, { livemode: false }] });

const secretKeySchema = z.string().meta({
  description: 'Shown this once; only its hash is kept.',
  examples: ['sk_live_4kGq0mZr7tYbX2cVnP9sLwEaHdJfU3i1'],
});

const keySchema = z
  .object({ keyId: z.uuid(), livemode: z.boolean(), createdAt: z.iso.datetime() })
  .meta({ id: 'MerchantKey' });

const merchantShape = {
  id: z.uuid(),
  name: z.string(),
  status: z.enum(MERCHANT_STATUSES),
  terms: z.array(termsSchema).meta({ description: 'All terms, the earliest first.' }),
};

export const merchantSchema = z
  .object({
    ...merchantShape,
    version: z.int().meta({ description: 'Grows with every change.' }),
    keys: z.array(keySchema).meta({ description: 'The live keys, the oldest first.' }),
  })
  .meta({ id: 'Merchant' });

export type MerchantView = z.output<typeof merchantSchema>;

export const createdMerchantSchema = z
  .object({ ...merchantShape, secretKey: secretKeySchema, keyId: z.uuid() })
  .meta({ id: 'CreatedMerchant' });

export type CreatedMerchant = z.output<typeof createdMerchantSchema>;

export const createdKeySchema = z
  .object({ keyId: z.uuid(), secretKey: secretKeySchema, livemode: z.boolean() })
  .meta({ id: 'CreatedKey' });

export type CreatedKey = z.output<typeof createdKeySchema>;

export const keyParamsSchema = z.object({ id: z.uuid(), keyId: z.uuid() });
