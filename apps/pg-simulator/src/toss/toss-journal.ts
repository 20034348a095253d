import { z } from 'zod';

const at = z.int();
const seq = z.int().min(1);
/** The idempotency key that the call came with, in its scope. */
const scope = z.string().nullable();
const aboutPayment = { pg: z.literal('toss'), paymentKey: z.string() };

/** What is written down of Toss's payments: enough to know all of them again after a restart. */
export const tossRecordSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('WINDOW'),
    ...aboutPayment,
    orderId: z.string(),
    orderName: z.string().nullable(),
    amount: z.int(),
    scenario: z.string(),
    atMs: at,
  }),
  z.object({
    type: z.literal('CAPTURE'),
    ...aboutPayment,
    seq,
    transactionKey: z.string(),
    hiddenUntilMs: at,
    scope,
    atMs: at,
  }),
  z.object({
    type: z.literal('DEPOSIT'),
    ...aboutPayment,
    transactionKey: z.string(),
    scope,
    atMs: at,
  }),
  z.object({
    type: z.literal('CANCEL'),
    ...aboutPayment,
    /** Null for a deposit that was given up: no money moved. */
    seq: seq.nullable(),
    transactionKey: z.string(),
    amount: z.int(),
    reason: z.string(),
    taxFreeAmount: z.int(),
    scope,
    atMs: at,
  }),
  z.object({ type: z.literal('ABORT'), ...aboutPayment, code: z.string(), scope, atMs: at }),
]);

export type TossRecord = z.infer<typeof tossRecordSchema>;
