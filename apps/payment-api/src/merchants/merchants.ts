import {
  inTransaction,
  isOutcomeUnknown,
  type PostgresClient,
  type PostgresPool,
} from '@mini-pg/database';
import { createEvent, type Terms } from '@mini-pg/domain';
import { insertOutbox, type Relay, toOutboxRow } from '@mini-pg/messaging';
import { type Clock, failpoint, newId, ProblemError, type TraceContext } from '@mini-pg/runtime';
import { insertAction } from '../operators/operator-action.ts';
import {
  findMerchant,
  insertKey,
  insertMerchant,
  lockMerchant,
  type MerchantRow,
  putTerms,
  readLiveKeys,
  readTerms,
  revokeKey,
  updateMerchant,
} from './merchant-repository.ts';
import type {
  CreatedKey,
  CreatedMerchant,
  CreateMerchant,
  MerchantView,
  NewTerms,
  UpdateMerchant,
} from './merchant-schemas.ts';
import { API_VERSION, createSecretKey, hashSecretKey } from './secret-key.ts';
import { firstTermsFrom, laterTermsFrom } from './terms-dates.ts';

export interface MerchantDeps {
  readonly pool: PostgresPool;
  readonly clock: Clock;
  readonly relay: Pick<Relay, 'wake'>;
}

/** On whose behalf a change is made. */
export interface Author {
  readonly operator: string;
  readonly trace: TraceContext;
}

/** Two, so that a key can be replaced while both work. */
const LIVE_KEYS_MAX = 2;

/** Registers a merchant with its first terms and its first key, a live one. */
export async function registerMerchant(
  deps: MerchantDeps,
  author: Author,
  body: CreateMerchant,
): Promise<CreatedMerchant> {
  return change(deps, async (client, now) => {
    const { operator } = author;
    const merchant = await insertMerchant(client, { id: newId(), name: body.name, operator, now });
    const from = firstTermsFrom(body.terms.from, now);
    if (from === null) throw firstTermsTooLate();
    const terms = datedTerms(body.terms, from);
    await putTerms(client, merchant.id, terms, operator);
    const key = await addKey(client, author, merchant.id, true);
    await record(client, author, now, 'MERCHANT_CREATED', merchant.id, { name: body.name, terms });
    await announce(client, author, now, merchant, [terms]);
    const { id, name, status } = merchant;
    return { id, name, status, terms: [terms], secretKey: key.secretKey, keyId: key.keyId };
  });
}

/** @throws ProblemError NOT_FOUND */
export async function readMerchant(
  deps: Pick<MerchantDeps, 'pool'>,
  id: string,
): Promise<MerchantView> {
  const merchant = await findMerchant(deps.pool, id);
  if (merchant === null) throw new ProblemError('NOT_FOUND');
  const [terms, keys] = await Promise.all([readTerms(deps.pool, id), readLiveKeys(deps.pool, id)]);
  return {
    ...merchant,
    terms,
    keys: keys.map((key) => ({
      keyId: key.id,
      livemode: key.livemode,
      createdAt: key.created_at.toISOString(),
    })),
  };
}

/** @throws ProblemError NOT_FOUND, TERMS_TOO_EARLY */
export async function changeMerchant(
  deps: MerchantDeps,
  author: Author,
  id: string,
  body: UpdateMerchant,
): Promise<MerchantView> {
  await change(deps, async (client, now) => {
    const before = await lockMerchant(client, id);
    if (before === null) throw new ProblemError('NOT_FOUND');
    if (body.terms !== undefined) {
      const from = laterTermsFrom(body.terms.from, now);
      if (from === null) throw new ProblemError('TERMS_TOO_EARLY');
      await putTerms(client, id, datedTerms(body.terms, from), author.operator);
    }
    const after: MerchantRow = {
      id,
      name: body.name ?? before.name,
      status: body.status ?? before.status,
      version: before.version + 1,
    };
    await updateMerchant(client, after, { operator: author.operator, now });
    await record(client, author, now, 'MERCHANT_UPDATED', id, body);
    await announce(client, author, now, after, await readTerms(client, id));
  });
  return readMerchant(deps, id);
}

/** @throws ProblemError NOT_FOUND, KEY_LIMIT_REACHED */
export async function createKey(
  deps: MerchantDeps,
  author: Author,
  merchantId: string,
  livemode: boolean,
): Promise<CreatedKey> {
  return change(deps, async (client, now) => {
    const merchant = await lockMerchant(client, merchantId);
    if (merchant === null) throw new ProblemError('NOT_FOUND');
    const live = (await readLiveKeys(client, merchantId)).filter((k) => k.livemode === livemode);
    if (live.length >= LIVE_KEYS_MAX) throw new ProblemError('KEY_LIMIT_REACHED');
    const key = await addKey(client, author, merchantId, livemode);
    const { keyId } = key;
    await record(client, author, now, 'KEY_CREATED', merchantId, { keyId, livemode });
    return key;
  });
}

/** Revoking a key again does nothing new. @throws ProblemError NOT_FOUND */
export async function deleteKey(
  deps: MerchantDeps,
  author: Author,
  merchantId: string,
  keyId: string,
): Promise<void> {
  await change(deps, async (client, now) => {
    const key = { id: keyId, merchantId, operator: author.operator, now };
    const found = await revokeKey(client, key);
    if (found === 'UNKNOWN') throw new ProblemError('NOT_FOUND');
    if (found === 'REVOKED') {
      await record(client, author, now, 'KEY_REVOKED', merchantId, { keyId });
    }
  });
}

/** One transaction; when its commit is not answered the operator is told to look before repeating. */
async function change<T>(
  deps: MerchantDeps,
  work: (client: PostgresClient, now: Date) => Promise<T>,
): Promise<T> {
  let committing = false;
  try {
    const result = await inTransaction(deps.pool, async (client) => {
      const done = await work(client, deps.clock.now());
      committing = true;
      failpoint('payment-api.merchant.before-commit');
      return done;
    });
    failpoint('payment-api.merchant.after-commit');
    deps.relay.wake();
    return result;
  } catch (error) {
    if (!committing || !isOutcomeUnknown(error)) throw error;
    throw new ProblemError('RESULT_UNKNOWN', {
      detail: 'The change may or may not have been stored: read the merchant before you repeat it.',
    });
  }
}

async function addKey(
  client: PostgresClient,
  author: Author,
  merchantId: string,
  livemode: boolean,
): Promise<CreatedKey> {
  const keyId = newId();
  const secretKey = createSecretKey(livemode);
  await insertKey(client, {
    id: keyId,
    merchantId,
    livemode,
    keyHash: hashSecretKey(secretKey),
    apiVersion: API_VERSION,
    operator: author.operator,
  });
  return { keyId, secretKey, livemode };
}

async function record(
  client: PostgresClient,
  { operator, trace }: Author,
  now: Date,
  action: Parameters<typeof insertAction>[1]['action'],
  target: string,
  detail: object,
): Promise<void> {
  const traced = { ...detail, traceId: trace.traceId };
  await insertAction(client, { id: newId(), operator, action, target, detail: traced, now });
}

/** Tells the other services, with all dated terms: the topic keeps the last word on a merchant. */
async function announce(
  client: PostgresClient,
  { trace }: Author,
  now: Date,
  merchant: MerchantRow,
  terms: Terms[],
): Promise<void> {
  const { id: merchantId, name, status, version } = merchant;
  const time = now.toISOString();
  const event = createEvent('merchant.updated', {
    id: newId(),
    source: 'payment-api',
    time,
    subject: merchantId,
    data: { merchantId, name, status, terms, version, updatedAt: time },
  });
  await insertOutbox(client, [
    toOutboxRow(event, { key: merchantId, traceparent: trace.traceparent }),
  ]);
}

function datedTerms(terms: NewTerms, from: string): Terms {
  const { feePpm, fixedFee, vatMode, payoutDays } = terms;
  return { feePpm, fixedFee, vatMode, payoutDays, from };
}

function firstTermsTooLate(): ProblemError {
  const message = 'must be today (Asia/Seoul) or earlier: a payment before it would have no fee';
  return new ProblemError('VALIDATION_FAILED', { errors: [{ pointer: '/terms/from', message }] });
}
