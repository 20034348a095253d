import { z } from 'zod';

/** Toss writes amounts as JSON numbers. A fraction or a number beyond 2^53 cannot be trusted. */
const amount = z.int().min(0).transform(BigInt);

/** `2026-02-13T12:18:14+09:00`, handed on as UTC. */
const instant = z.iso
  .datetime({ offset: true })
  .transform((value) => new Date(value).toISOString());

const cancel = z.object({
  transactionKey: z.string().min(1),
  cancelAmount: amount,
  canceledAt: instant,
  /** Left out by older API versions, which cancelled synchronously only. */
  cancelStatus: z.string().nullish(),
});

const card = z.object({
  issuerCode: z.string().nullish(),
  acquirerCode: z.string().nullish(),
  number: z.string().nullish(),
  installmentPlanMonths: z.int().nullish(),
  approveNo: z.string().nullish(),
  cardType: z.string().nullish(),
  ownerType: z.string().nullish(),
  isInterestFree: z.boolean().nullish(),
});

/**
 * What the adapter reads of Toss's Payment object (docs.tosspayments.com/reference). Other fields may
 * come and go; a field read here that changes its type makes the answer unreadable, not a guess.
 */
export const tossPaymentSchema = z.object({
  paymentKey: z.string().min(1),
  orderId: z.string().min(1),
  status: z.string(),
  currency: z.literal('KRW'),
  totalAmount: amount,
  balanceAmount: amount,
  approvedAt: instant.nullish(),
  lastTransactionKey: z.string().nullish(),
  method: z.string().nullish(),
  card: card.nullish(),
  easyPay: z.object({ provider: z.string().nullish() }).nullish(),
  virtualAccount: z
    .object({ bankCode: z.string().nullish(), accountNumber: z.string().nullish() })
    .nullish(),
  transfer: z.object({ bankCode: z.string().nullish() }).nullish(),
  cancels: z.array(cancel).nullish(),
  failure: z.object({ code: z.string(), message: z.string().nullish() }).nullish(),
});

export type TossPayment = z.infer<typeof tossPaymentSchema>;

export const tossErrorSchema = z.object({
  code: z.string().min(1),
  message: z.string().nullish(),
});

export type TossError = z.infer<typeof tossErrorSchema>;

/** Body of `POST /v1/payments/confirm`. */
export interface TossConfirmBody {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly amount: number;
}

/** Body of `POST /v1/payments/{paymentKey}/cancel`; without `cancelAmount` all that is left. */
export interface TossCancelBody {
  readonly cancelReason: string;
  readonly cancelAmount?: number;
  readonly refundableAmount?: number;
  readonly taxFreeAmount?: number;
}

const text = z.string().nullish();

/** The three envelopes of section 1.5 in one: which of them it is, is told by what is there. */
export const tossWebhookSchema = z.object({
  eventType: text,
  // Deposit callback.
  secret: text,
  status: text,
  transactionKey: text,
  orderId: text,
  // Classic envelope; the new one names no payment.
  data: z.object({ paymentKey: text, orderId: text }).nullish(),
});
