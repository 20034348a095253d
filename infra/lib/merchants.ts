import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DATA_DIR, type LocalSystem, writeWhole } from './local-system.ts';

const FILE = join(DATA_DIR, 'merchants.json');

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
type Merchant = z.infer<typeof merchantSchema>;

type Api = Pick<LocalSystem, 'api' | 'adminToken'>;

/** The merchants of an earlier `up` if the database still knows them, else new ones. */
export async function keepMerchants(api: Api): Promise<Merchant[]> {
  const kept = existsSync(FILE)
    ? z.array(merchantSchema).parse(JSON.parse(readFileSync(FILE, 'utf8')))
    : [];
  const known = await Promise.all(kept.map((merchant) => isKnown(api, merchant)));
  if (kept.length > 0 && known.every(Boolean)) return kept;
  const merchants = await Promise.all(MERCHANTS.map((merchant) => register(api, merchant)));
  writeWhole(FILE, merchants);
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
