import { type MerchantClient, openWindow, type PaymentBody, paymentOf } from './clients.ts';
import { forEachAtOnce } from './concurrency.ts';
import type { Answer } from './http.ts';
import type { PlannedPayment, Shop } from './plan.ts';

const AT_ONCE = 16;

/** A payment that was taken. */
export interface Sale extends PlannedPayment {
  readonly client: MerchantClient;
  readonly body: PaymentBody;
  readonly idempotencyKey: string;
  readonly paymentId: string;
  readonly answer: Answer;
}

/** A part of a sale that the shopper got back. */
export interface Return {
  readonly sale: Sale;
  readonly amount: number;
}

export interface Market {
  readonly simulator: string;
  readonly clientOf: (shop: Shop) => MerchantClient;
}

/** Opens a window at the gateway as a shopper would, and gives what the merchant sends then. */
export async function prepareBody(market: Market, planned: PlannedPayment): Promise<PaymentBody> {
  const { orderId, amount, scenario, shop } = planned;
  const paymentKey = await openWindow(market.simulator, { orderId, amount, scenario });
  const source = { kind: 'window', pg: 'toss', paymentKey } as const;
  return { orderId, amount, orderName: `An order at ${shop.name}`, source };
}

/** @throws Error when the payment is not taken. */
export async function makeSale(market: Market, planned: PlannedPayment): Promise<Sale> {
  const client = market.clientOf(planned.shop);
  const body = await prepareBody(market, planned);
  const idempotencyKey = `pay-${planned.orderId}`;
  const answer = await client.pay(body, idempotencyKey);
  if (answer.status !== 202) {
    throw new Error(`${planned.orderId} was not taken: ${answer.status} ${answer.text}`);
  }
  const paymentId = paymentOf(answer).id;
  return { ...planned, client, body, idempotencyKey, paymentId, answer };
}

export function makeSales(
  market: Market,
  planned: readonly PlannedPayment[],
  onSale: () => void,
): Promise<Sale[]> {
  return forEachAtOnce(planned, AT_ONCE, async (payment) => {
    const sale = await makeSale(market, payment);
    onSale();
    return sale;
  });
}
