import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from './write-whole.ts';

/** Two, so that whoever attaches can see that one does not see the other's payments. */
const MERCHANTS = [
  {
    name: 'Hanbit Books',
    terms: { feePpm: 29_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 3 },
  },
  {
    name: 'Daon Market',
    terms: { feePpm: 25_000, fixedFee: 100, vatMode: 'INCLUSIVE', payoutDays: 5 },
  },
];

const merchantSchema = z.object({ id: z.string(), secretKey: z.string() });
export type Merchant = z.infer<typeof merchantSchema>;

/** A gateway, and an operator's token that it takes. */
type Api = { api: string; adminToken: string };

/** The merchants that `file` holds if the database still knows them, else new ones. */
export async function keepMerchants(api: Api, file: string): Promise<Merchant[]> {
  const kept = existsSync(file)
    ? z.array(merchantSchema).parse(JSON.parse(readFileSync(file, 'utf8')))
    : [];
  const known = await Promise.all(kept.map((merchant) => isKnown(api, merchant)));
  if (kept.length > 0 && known.every(Boolean)) return kept;
  const merchants = await Promise.all(MERCHANTS.map((merchant) => register(api, merchant)));
  writeWhole(file, JSON.stringify(merchants, null, 2));
  return merchants;
}

async function isKnown({ api, adminToken }: Api, { id }: Merchant): Promise<boolean> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const response = await fetch(`${api}/api/v1/admin/merchants/${id}`, { headers });
  await response.arrayBuffer();
  return response.ok;
}

async function register({ api, adminToken }: Api, merchant: object): Promise<Merchant> {
  const response = await fetch(`${api}/api/v1/admin/merchants`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(merchant),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`payment-api did not register a merchant: ${body}`);
  return merchantSchema.parse(JSON.parse(body));
}
