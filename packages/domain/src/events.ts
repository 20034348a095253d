import { z } from 'zod';
import { businessDateSchema } from './business-date.ts';
import { CANCEL_ORIGINS } from './cancel.ts';
import { envelopeOf, sealedSchema } from './envelope.ts';
import { failureSchema } from './failure.ts';
import { pgSchema } from './gateways.ts';
import { MERCHANT_STATUSES, termsSchema } from './merchant.ts';
import { amountOrZeroSchema, amountSchema, currencySchema, sumSchema } from './money.ts';
import { methodDetailSchema } from './source.ts';

const instant = z.iso.datetime();
const id = z.uuid();

const aboutMerchant = { merchantId: id, livemode: z.boolean() };
const aboutPayment = { ...aboutMerchant, paymentId: id };

/** `sequence`: how many results pg-processor has committed for the payment, this one included. */
const result = { ...aboutPayment, sequence: z.int().min(1), attemptId: id };

const charged = {
  orderId: z.string(),
  pg: pgSchema,
  pgAccountId: z.string(),
  pgOrderId: z.string(),
  pgPaymentId: z.string(),
  pgTransactionId: z.string(),
  amount: amountSchema,
  taxFreeAmount: amountOrZeroSchema,
  currency: currencySchema,
  methodDetail: methodDetailSchema,
  approvedAt: instant.meta({ description: "The PG's time of the approval." }),
};

const paymentRequested = z.object({
  ...aboutPayment,
  orderId: z.string(),
  orderName: z.string().nullable(),
  amount: amountSchema,
  taxFreeAmount: amountOrZeroSchema,
  currency: currencySchema,
  pg: pgSchema,
  source: sealedSchema,
  customer: sealedSchema.nullable(),
  requestedAt: instant,
  expiresAt: instant,
});

const paymentCompleted = z.object({ ...result, ...charged });

const paymentFailed = z.object({
  ...aboutPayment,
  sequence: z.int().min(1),
  attemptId: id.nullable(),
  orderId: z.string(),
  pg: pgSchema,
  pgAccountId: z.string().nullable(),
  amount: amountSchema,
  currency: currencySchema,
  failure: failureSchema,
  failedAt: instant,
});

/** Steps of an attempt that left the straight path. */
export const PROGRESS_STEPS = [
  'UNKNOWN',
  'INQUIRED',
  'RESENT',
  'RETRIED',
  'EXCEPTION_OPENED',
] as const;

const paymentProgressed = z.object({
  ...result,
  attemptNumber: z.int().min(1),
  pg: pgSchema,
  step: z.enum(PROGRESS_STEPS),
  detail: z.string(),
  at: instant,
});

const cancel = { ...aboutPayment, cancelId: id };

const paymentCancelRequested = z.object({
  ...cancel,
  amount: amountSchema.nullable().meta({ description: 'Null cancels all that is left.' }),
  taxFreeAmount: amountOrZeroSchema,
  reason: z.string(),
  origin: z.enum(CANCEL_ORIGINS),
  requestedAt: instant,
});

const paymentCancelled = z.object({
  ...result,
  ...charged,
  cancelId: id,
  cancelAmount: amountSchema,
  cancelTaxFreeAmount: amountOrZeroSchema,
  cancelTransactionId: z.string(),
  remainingBefore: amountSchema,
  remainingAfter: amountOrZeroSchema,
  cancelledAt: instant,
});

const paymentCancelFailed = z.object({
  ...cancel,
  sequence: z.int().min(1),
  failure: failureSchema,
  failedAt: instant,
});

const paymentReversed = z.object({
  ...result,
  ...charged,
  reversalTransactionId: z.string(),
  reversedAt: instant,
});

const paymentSettled = z.object({
  ...aboutPayment,
  settlementId: id,
  itemId: id,
  date: businessDateSchema,
  settledAt: instant,
});

const settlementClosed = z.object({
  ...aboutMerchant,
  settlementId: id,
  runId: id,
  date: businessDateSchema,
  currency: currencySchema,
  count: z.int().min(1),
  gross: sumSchema,
  fee: sumSchema,
  vat: sumSchema,
  net: sumSchema,
  carryIn: sumSchema.optional().meta({
    description: 'What earlier statements were short of: 0 or less. Absent in older events.',
  }),
  payout: sumSchema
    .min(0)
    .optional()
    .meta({ description: 'What is paid out: `carryIn + net`, or 0 where that is less.' }),
  carryOut: sumSchema
    .optional()
    .meta({ description: 'What the next statement is to pay off: `carryIn + net - payout`.' }),
  payoutDate: businessDateSchema,
  itemsHash: z.string().meta({ description: '`hashItems` over all lines, by id.' }),
  closedAt: instant,
});

/** One line of a statement. CANCEL lines carry negative amounts. */
export const settlementItemSchema = z
  .object({
    id,
    kind: z.enum(['PAYMENT', 'CANCEL']),
    paymentId: id,
    orderId: z.string(),
    saleDate: businessDateSchema,
    amount: sumSchema,
    fee: sumSchema,
    vat: sumSchema,
    net: sumSchema,
  })
  .meta({ id: 'SettlementItem' });

export type SettlementItem = z.infer<typeof settlementItemSchema>;

/** The most lines of one `settlement.items` message (docs/reference/asyncapi.yaml). */
export const SETTLEMENT_ITEMS_PER_MESSAGE_MAX = 500;

const settlementItems = z.object({
  ...aboutMerchant,
  settlementId: id,
  date: businessDateSchema,
  part: z.int().min(1),
  parts: z.int().min(1),
  items: z.array(settlementItemSchema).min(1).max(SETTLEMENT_ITEMS_PER_MESSAGE_MAX),
});

/** As terms are asked for, but a reader takes fields that were added later. */
const publishedTermsSchema = z.object(termsSchema.shape);

const merchantUpdated = z.object({
  merchantId: id,
  name: z.string(),
  status: z.enum(MERCHANT_STATUSES),
  terms: z.array(publishedTermsSchema).min(1),
  version: z.int().min(1),
  updatedAt: instant,
});

/** Every event, by topic: the one source of what may be published and what a consumer accepts. */
export const EVENT_SCHEMAS = {
  'payment.requested': envelopeOf('payment.requested', paymentRequested),
  'payment.completed': envelopeOf('payment.completed', paymentCompleted),
  'payment.failed': envelopeOf('payment.failed', paymentFailed),
  'payment.progressed': envelopeOf('payment.progressed', paymentProgressed),
  'payment.cancel-requested': envelopeOf('payment.cancel-requested', paymentCancelRequested),
  'payment.cancelled': envelopeOf('payment.cancelled', paymentCancelled),
  'payment.cancel-failed': envelopeOf('payment.cancel-failed', paymentCancelFailed),
  'payment.reversed': envelopeOf('payment.reversed', paymentReversed),
  'payment.settled': envelopeOf('payment.settled', paymentSettled),
  'settlement.closed': envelopeOf('settlement.closed', settlementClosed),
  'settlement.items': envelopeOf('settlement.items', settlementItems),
  'merchant.updated': envelopeOf('merchant.updated', merchantUpdated),
} as const;

export type Topic = keyof typeof EVENT_SCHEMAS;

export type EventOf<T extends Topic> = z.infer<(typeof EVENT_SCHEMAS)[T]>;

export type DataOf<T extends Topic> = EventOf<T>['data'];

/** An event of any of the topics named, told apart by `type`. */
export type AnyEvent<T extends Topic = Topic> = { [K in T]: EventOf<K> }[T];

type Service = 'payment-api' | 'pg-processor' | 'settlement-worker';

interface TopicSettings {
  readonly producer: Service;
  readonly key: 'payment' | 'merchant';
  readonly partitions: number;
  readonly retentionMs: number;
  readonly cleanup: 'delete' | 'compact';
  /** A private topic may carry sealed fields and is no public interface. */
  readonly private: boolean;
}

const PARTITIONS_DEFAULT = 12;
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const payments = {
  key: 'payment',
  partitions: PARTITIONS_DEFAULT,
  retentionMs: WEEK_MS,
  cleanup: 'delete',
  private: false,
} as const;

/** How each topic is made, by its producer's migrate command (docs/reference/asyncapi.yaml). */
export const TOPICS: { readonly [T in Topic]: TopicSettings } = {
  'payment.requested': { ...payments, producer: 'payment-api', private: true },
  'payment.cancel-requested': { ...payments, producer: 'payment-api', private: true },
  'merchant.updated': { ...payments, producer: 'payment-api', key: 'merchant', cleanup: 'compact' },
  'payment.completed': { ...payments, producer: 'pg-processor' },
  'payment.failed': { ...payments, producer: 'pg-processor' },
  'payment.progressed': { ...payments, producer: 'pg-processor' },
  'payment.cancelled': { ...payments, producer: 'pg-processor' },
  'payment.cancel-failed': { ...payments, producer: 'pg-processor' },
  'payment.reversed': { ...payments, producer: 'pg-processor' },
  'payment.settled': { ...payments, producer: 'settlement-worker' },
  'settlement.closed': { ...payments, producer: 'settlement-worker', key: 'merchant' },
  'settlement.items': { ...payments, producer: 'settlement-worker', key: 'merchant' },
};

/**
 * Builds an event of a topic. The caller gives the id and the time, so that this stays pure.
 * The data is trusted to be of its type; the schema is checked where an event is read.
 */
export function createEvent<T extends Topic>(
  type: T,
  event: { id: string; source: Service; time: string; subject: string; data: DataOf<T> },
): EventOf<T> {
  return {
    specversion: '1.0',
    id: event.id,
    source: `/mini-pg/${event.source}`,
    type,
    time: event.time,
    subject: event.subject,
    dataschema: `/mini-pg/schemas/${type}/1`,
    data: event.data,
  } as unknown as EventOf<T>;
}
