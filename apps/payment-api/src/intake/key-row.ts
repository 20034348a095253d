import type { Queryable } from '@mini-pg/database';
import { failpoint } from '@mini-pg/runtime';

/** An idempotency key as its owner sent it; the same key in another scope is another one. */
export interface KeyName {
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly scope: string;
  readonly key: string;
}

/** The row that a key belongs to. */
export interface KeyRow {
  readonly resource: string;
  readonly fingerprint: Buffer;
  readonly answer: 201 | 202 | null;
  /** Whether the time until which the first request may still be running has passed. */
  readonly due: boolean;
}

/** The row of a key, if there is one. */
export async function readKey(database: Queryable, name: KeyName): Promise<KeyRow | null> {
  const { rows } = await database.query<KeyRow>({
    name: 'intake_read_key',
    text: `select resource, fingerprint, answer, coalesce(due_at <= now(), false) as due
           from idempotency_key
           where merchant_id = $1 and livemode = $2 and scope = $3 and key = $4`,
    values: [name.merchantId, name.livemode, name.scope, name.key],
  });
  return rows[0] ?? null;
}

/** What a request that waited is to be answered with, unless its answer is fixed already. */
export interface WantedAnswer {
  readonly name: KeyName;
  readonly answer: 201 | 202;
}

/** Rows are locked in the order of their key, as all who change several of them do. */
const FIX_ANSWERS = `
  with wanted as (
    select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::smallint[])
      with ordinality as w (merchant_id, livemode, scope, key, answer, ord)
  ), open as (
    select k.merchant_id, k.livemode, k.scope, k.key, w.answer, w.ord
    from wanted w
    join idempotency_key k
      on k.merchant_id = w.merchant_id and k.livemode = w.livemode
         and k.scope = w.scope and k.key = w.key
    where k.answer is null
    order by k.merchant_id, k.key, k.livemode, k.scope for update of k
  ), fixed as (
    update idempotency_key k set answer = open.answer from open
    where k.merchant_id = open.merchant_id and k.livemode = open.livemode
      and k.scope = open.scope and k.key = open.key
    returning open.ord, k.answer
  )
  select ord::int as ord, answer from fixed`;

/**
 * Fixes the answers of requests that waited, by compare and set: whoever comes first decides, and
 * everybody answers what was decided.
 * @returns what was decided, in the order of `wanted`
 */
export async function fixAnswers(
  database: Queryable,
  wanted: readonly WantedAnswer[],
): Promise<readonly (201 | 202)[]> {
  failpoint('payment-api.answer.before-fix');
  const { rows } = await database.query<{ ord: number; answer: 201 | 202 }>({
    name: 'intake_fix_answers',
    text: FIX_ANSWERS,
    values: [
      wanted.map(({ name }) => name.merchantId),
      wanted.map(({ name }) => name.livemode),
      wanted.map(({ name }) => name.scope),
      wanted.map(({ name }) => name.key),
      wanted.map(({ answer }) => answer),
    ],
  });
  failpoint('payment-api.answer.after-fix');
  const fixed = new Map(rows.map(({ ord, answer }) => [ord - 1, answer]));
  const decided: (201 | 202)[] = [];
  for (const [index, { name }] of wanted.entries()) {
    decided.push(fixed.get(index) ?? (await readFixed(database, name)));
  }
  return decided;
}

/** Somebody else was first: a statement of its own sees what that one committed. */
async function readFixed(database: Queryable, name: KeyName): Promise<201 | 202> {
  const row = await readKey(database, name);
  if (row?.answer == null) throw new Error('the answer of a stored key must exist by now');
  return row.answer;
}

/** The same for one request. */
export async function fixAnswer(
  database: Queryable,
  name: KeyName,
  answer: 201 | 202,
): Promise<201 | 202> {
  const [decided] = await fixAnswers(database, [{ name, answer }]);
  return decided ?? answer;
}
