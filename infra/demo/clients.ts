import { z } from 'zod';
import { type Answer, read, send } from './http.ts';
import type { Shop } from './plan.ts';

const paymentSchema = z.object({
  id: z.uuid(),
  orderId: z.string(),
  amount: z.int(),
  status: z.string(),
  balanceAmount: z.int(),
  failure: z.object({ code: z.string(), pgCode: z.string().nullable() }).nullable(),
});
export type Payment = z.infer<typeof paymentSchema>;

const settlementSchema = z.object({
  id: z.uuid(),
  date: z.string(),
  currency: z.string(),
  count: z.int(),
  gross: z.int(),
  fee: z.int(),
  vat: z.int(),
  net: z.int(),
  payoutDate: z.string(),
  status: z.enum(['RECEIVING', 'CLOSED']),
});
export type Settlement = z.infer<typeof settlementSchema>;

const SETTLEMENTS_MAX = 100;

export interface PaymentBody {
  readonly orderId: string;
  readonly amount: number;
  readonly orderName?: string;
  readonly source: { readonly kind: 'window'; readonly pg: 'toss'; readonly paymentKey: string };
}

export interface CancelBody {
  readonly amount: number;
  readonly reason: string;
}

/** What a merchant's server does: pay, cancel, look, read statements. */
export class MerchantClient {
  readonly #api: string;
  readonly #secretKey: string;

  constructor(api: string, secretKey: string) {
    this.#api = api;
    this.#secretKey = secretKey;
  }

  pay(body: PaymentBody, idempotencyKey: string, waitSeconds?: number): Promise<Answer> {
    return this.#post('/api/v1/payments', body, idempotencyKey, waitSeconds);
  }

  cancel(
    paymentId: string,
    body: CancelBody,
    idempotencyKey: string,
    waitSeconds: number,
  ): Promise<Answer> {
    const path = `/api/v1/payments/${paymentId}/cancels`;
    return this.#post(path, body, idempotencyKey, waitSeconds);
  }

  async payment(id: string): Promise<Payment> {
    return read(await this.#get(`/api/v1/payments/${id}`), 200, paymentSchema);
  }

  /** The steps of a payment's way. */
  async timeline(id: string): Promise<string[]> {
    const schema = z.object({ data: z.array(z.object({ step: z.string() })) });
    const { data } = read(await this.#get(`/api/v1/payments/${id}/timeline`), 200, schema);
    return data.map(({ step }) => step);
  }

  async settlements(from: string, to: string): Promise<Settlement[]> {
    const path = `/api/v1/settlements?from=${from}&to=${to}&limit=${SETTLEMENTS_MAX}`;
    return read(await this.#get(path), 200, z.object({ data: z.array(settlementSchema) })).data;
  }

  async itemsAsCsv(settlementId: string): Promise<string> {
    const path = `/api/v1/settlements/${settlementId}/items`;
    const answer = await this.#get(path, { accept: 'text/csv' });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text}`);
    return answer.text;
  }

  #post(path: string, body: object, key: string, waitSeconds: number | undefined): Promise<Answer> {
    const headers = {
      ...this.#authorization(),
      'idempotency-key': key,
      ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
    };
    return send(`${this.#api}${path}`, { method: 'POST', headers, body });
  }

  #get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return send(`${this.#api}${path}`, { headers: { ...this.#authorization(), ...headers } });
  }

  #authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#secretKey}` };
  }
}

export function paymentOf(answer: Answer): Payment {
  return paymentSchema.parse(JSON.parse(answer.text));
}

/** Registers a merchant as an operator; gives the secret key that is shown this once. */
export async function registerMerchant(
  api: string,
  adminToken: string,
  { name, terms }: Shop,
): Promise<string> {
  const answer = await send(`${api}/api/v1/admin/merchants`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}` },
    body: { name, terms },
  });
  return read(answer, 201, z.object({ secretKey: z.string() })).secretKey;
}

/** What the shopper does in the gateway's window; gives the key that the merchant pays with. */
export async function openWindow(
  simulator: string,
  window: { orderId: string; amount: number; scenario: string },
): Promise<string> {
  const url = `${simulator}/_sim/toss/windows`;
  const answer = await send(url, { method: 'POST', body: window });
  return read(answer, 201, z.object({ paymentKey: z.string() })).paymentKey;
}
