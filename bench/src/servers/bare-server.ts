/**
 * The least that Fastify and zod do for the same request: parse, validate, answer. It stores
 * nothing and knows nobody, and is what the service is compared with. It is written as anybody
 * would write it, and not made faster with the service: a measure has to stay what it is.
 */
import { randomUUID } from 'node:crypto';
import {
  amountOrZeroSchema,
  amountSchema,
  currencySchema,
  customerSchema,
  paymentSourceSchema,
} from '@mini-pg/domain';
import fastify from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

const bodySchema = z.strictObject({
  orderId: z.string().regex(/^[A-Za-z0-9_-]{6,64}$/),
  amount: amountSchema,
  currency: currencySchema.default('KRW'),
  taxFreeAmount: amountOrZeroSchema.default(0),
  orderName: z.string().min(1).max(100).optional(),
  customer: customerSchema.optional(),
  source: paymentSourceSchema,
  expiresAt: z.iso.datetime({ offset: true }).optional(),
  metadata: z.record(z.string().min(1).max(40), z.string().max(500)).default({}),
});

type Body = z.output<typeof bodySchema>;

const app = fastify({ logger: false }).withTypeProvider<ZodTypeProvider>();
app.setValidatorCompiler(validatorCompiler);
app.setSerializerCompiler(() => JSON.stringify);

app.post('/api/v1/payments', { schema: { body: bodySchema } }, async (request, reply) => {
  const id = randomUUID();
  reply.code(202).header('location', `/api/v1/payments/${id}`);
  return paymentOf(id, request.body);
});

const stored = paymentOf(randomUUID(), {
  orderId: 'order-20260331-0001',
  amount: 19_900,
  currency: 'KRW',
  taxFreeAmount: 0,
  source: { kind: 'window', pg: 'toss', paymentKey: 'tgen_20260331000001abcd' },
  metadata: {},
});
app.get(
  '/api/v1/payments/:id',
  { schema: { params: z.object({ id: z.uuid() }) } },
  async () => stored,
);

function paymentOf(id: string, body: Body) {
  const { orderId, orderName, amount, taxFreeAmount, currency, source, metadata } = body;
  return {
    id,
    merchantId: id,
    livemode: true,
    orderId,
    orderName: orderName ?? null,
    amount,
    taxFreeAmount,
    currency,
    status: 'REQUESTED',
    balanceAmount: 0,
    cancelledAmount: 0,
    pg: source.pg,
    pgPaymentId: null,
    pgTransactionId: null,
    methodDetail: null,
    failure: null,
    cancels: [],
    metadata,
    version: 1,
    requestedAt: new Date().toISOString(),
    expiresAt: new Date().toISOString(),
    approvedAt: null,
    failedAt: null,
    cancelledAt: null,
    settledAt: null,
  };
}

process.once('disconnect', () => process.exit(0));
const address = await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ port: Number(new URL(address).port) });
