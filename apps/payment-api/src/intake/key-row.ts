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

/**
 * Fixes the answer of a request that waited, by compare and set: whoever comes first decides, and
 * everybody answers what was decided.
 */
export async function fixAnswer(
  database: Queryable,
  name: KeyName,
  answer: 201 | 202,
): Promise<201 | 202> {
  failpoint('payment-api.answer.before-fix');
  const { rows } = await database.query<{ answer: 201 | 202 }>({
    name: 'intake_fix_answer',
    text: `with fixed as (
             update idempotency_key set answer = $5
             where merchant_id = $1 and livemode = $2 and scope = $3 and key = $4
               and answer is null
             returning answer
           )
           select answer from fixed
           union all
           select answer from idempotency_key
           where merchant_id = $1 and livemode = $2 and scope = $3 and key = $4
             and answer is not null
           limit 1`,
    values: [name.merchantId, name.livemode, name.scope, name.key, answer],
  });
  failpoint('payment-api.answer.after-fix');
  const fixed = rows[0]?.answer;
  if (fixed === undefined) {
    // Lost to one that committed after this statement's snapshot: the next read sees it.
    const row = await readKey(database, name);
    if (row?.answer == null) throw new Error('the answer of a stored key must exist by now');
    return row.answer;
  }
  return fixed;
}
