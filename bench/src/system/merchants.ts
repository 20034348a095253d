import type { System } from '@mini-pg/local-stack';
import { z } from 'zod';

const TERMS = { feePpm: 29_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 2 };
const registeredSchema = z.object({ id: z.uuid(), secretKey: z.string() });

export type Merchant = z.infer<typeof registeredSchema>;

/** Several, as in production: a limit of one merchant is no limit of the system. */
export async function registerMerchants(system: System, count: number): Promise<Merchant[]> {
  const merchants: Merchant[] = [];
  while (merchants.length < count) merchants.push(await register(system));
  return merchants;
}

async function register({ api, adminToken }: System): Promise<Merchant> {
  const response = await fetch(`${api}/api/v1/admin/merchants`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'A shop', terms: TERMS }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`payment-api did not register a merchant: ${text}`);
  return registeredSchema.parse(JSON.parse(text));
}
