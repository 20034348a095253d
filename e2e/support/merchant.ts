import type { System } from '@mini-pg/local-stack';
import { z } from 'zod';
import { type Answer, read, send } from './http.ts';

export const TERMS = { feePpm: 29_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 2 } as const;

const cancelSchema = z.object({
  id: z.uuid(),
  paymentId: z.uuid(),
  status: z.enum(['REQUESTED', 'DONE', 'FAILED']),
  origin: z.string(),
  amount: z.int(),
  failure: z.object({ code: z.string() }).nullable(),
});
export type Cancel = z.infer<typeof cancelSchema>;

const paymentSchema = z.object({
  id: z.uuid(),
  orderId: z.string(),
  amount: z.int(),
  status: z.string(),
  failure: z.object({ code: z.string(), pgCode: z.string().nullable() }).nullable(),
  pgTransactionId: z.string().nullable(),
  balanceAmount: z.int(),
  cancels: z.array(cancelSchema),
  version: z.int(),
  settledAt: z.string().nullable(),
});
export type Payment = z.infer<typeof paymentSchema>;

const settlementSchema = z.object({
  id: z.uuid(),
  date: z.string(),
  count: z.int(),
  gross: z.int(),
  fee: z.int(),
  vat: z.int(),
  net: z.int(),
  payoutDate: z.string(),
  status: z.enum(['RECEIVING', 'CLOSED']),
});
export type Settlement = z.infer<typeof settlementSchema>;

const itemSchema = z.object({
  id: z.uuid(),
  kind: z.enum(['PAYMENT', 'CANCEL']),
  paymentId: z.uuid(),
  orderId: z.string(),
  saleDate: z.string(),
  amount: z.int(),
  fee: z.int(),
  vat: z.int(),
  net: z.int(),
});
export type Item = z.infer<typeof itemSchema>;

export interface PaymentBody {
  readonly orderId: string;
  readonly amount: number;
  readonly source: { readonly kind: 'window'; readonly pg: 'toss'; readonly paymentKey: string };
}

export interface CancelBody {
  readonly amount?: number;
  readonly reason: string;
}

/** A merchant's server, over the wire. */
export class Merchant {
  readonly id: string;
  readonly secretKey: string;
  #timeoutMs: number | undefined;
  readonly #system: System;

  private constructor(system: System, id: string, secretKey: string) {
    this.id = id;
    this.#system = system;
    this.secretKey = secretKey;
  }

  static async register(system: System, terms: object = TERMS): Promise<Merchant> {
    const body = { name: 'A shop', terms };
    const answer = await asOperator(system, '/merchants', body);
    const { id, secretKey } = read(answer, 201, z.object({ id: z.uuid(), secretKey: z.string() }));
    return new Merchant(system, id, secretKey);
  }

  /** The same merchant, whose requests go to another instance of the API. */
  through(api: string): Merchant {
    return new Merchant({ ...this.#system, api }, this.id, this.secretKey);
  }

  /** The same merchant, who waits no longer for an answer. */
  within(timeoutMs: number): Merchant {
    const merchant = new Merchant(this.#system, this.id, this.secretKey);
    merchant.#timeoutMs = timeoutMs;
    return merchant;
  }

  /** The same merchant with a key of test mode. */
  async inTestMode(): Promise<Merchant> {
    const answer = await asOperator(this.#system, `/merchants/${this.id}/keys`, {
      livemode: false,
    });
    const { secretKey } = read(answer, 201, z.object({ secretKey: z.string() }));
    return new Merchant(this.#system, this.id, secretKey);
  }

  pay(body: object, key: string, waitSeconds?: number): Promise<Answer> {
    return this.#send('/payments', { method: 'POST', headers: keyed(key, waitSeconds), body });
  }

  /** Changed by an operator. */
  rename(name: string): Promise<Answer> {
    return asOperator(this.#system, `/merchants/${this.id}`, { name }, 'PATCH');
  }

  cancel(paymentId: string, body: CancelBody, key: string, waitSeconds?: number): Promise<Answer> {
    return this.#send(`/payments/${paymentId}/cancels`, {
      method: 'POST',
      headers: keyed(key, waitSeconds),
      body,
    });
  }

  async payment(id: string): Promise<Payment> {
    return read(await this.#send(`/payments/${id}`), 200, paymentSchema);
  }

  async paymentsOf(orderId: string): Promise<Payment[]> {
    const answer = await this.#send(`/payments?orderId=${orderId}`);
    return read(answer, 200, z.object({ data: z.array(paymentSchema) })).data;
  }

  async timeline(id: string): Promise<string[]> {
    const schema = z.object({ data: z.array(z.object({ step: z.string() })) });
    const { data } = read(await this.#send(`/payments/${id}/timeline`), 200, schema);
    return data.map(({ step }) => step);
  }

  async settlements(): Promise<Settlement[]> {
    const schema = z.object({ data: z.array(settlementSchema) });
    return read(await this.#send('/settlements?limit=100'), 200, schema).data;
  }

  async items(settlementId: string): Promise<Item[]> {
    const schema = z.object({ data: z.array(itemSchema), nextCursor: z.string().nullable() });
    const items: Item[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await this.#send(`/settlements/${settlementId}/items?limit=50${from}`);
      const page: z.infer<typeof schema> = read(answer, 200, schema);
      items.push(...page.data);
      cursor = page.nextCursor;
    }
    return items;
  }

  csv(settlementId: string): Promise<Answer> {
    const path = `/settlements/${settlementId}/items`;
    return this.#send(path, { headers: { accept: 'text/csv' } });
  }

  #send(path: string, options: Parameters<typeof send>[1] = {}): Promise<Answer> {
    return send(`${this.#system.api}/api/v1${path}`, {
      ...(this.#timeoutMs !== undefined && { timeoutMs: this.#timeoutMs }),
      ...options,
      headers: { authorization: `Bearer ${this.secretKey}`, ...options.headers },
    });
  }
}

function keyed(key: string, waitSeconds: number | undefined): Record<string, string> {
  return {
    'idempotency-key': key,
    ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
  };
}

export function cancelOf(answer: Answer): Cancel {
  return cancelSchema.parse(JSON.parse(answer.text));
}

export function paymentOf(answer: Answer): Payment {
  return paymentSchema.parse(JSON.parse(answer.text));
}

function asOperator(system: System, path: string, body: object, method = 'POST'): Promise<Answer> {
  return send(`${system.api}/api/v1/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${system.adminToken}` },
    body,
  });
}

/** What the shopper does in the gateway's window; gives what the merchant then sends. */
export async function openWindow(
  system: System,
  window: { orderId: string; amount: number; scenario?: string },
): Promise<PaymentBody> {
  const url = `${system.simulator}/_sim/toss/windows`;
  const answer = await send(url, { method: 'POST', body: window });
  const { paymentKey } = read(answer, 201, z.object({ paymentKey: z.string() }));
  const { orderId, amount } = window;
  return { orderId, amount, source: { kind: 'window', pg: 'toss', paymentKey } };
}
