import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  merchant,
  pay,
  startInstance,
  type TestInstance,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';
import { fixAnswers, type KeyName } from './key-row.ts';

let database: TestDatabase;
let instance: TestInstance;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  instance = startInstance({ database, prefix: uniquePrefix() });
});

afterAll(async () => {
  await instance.stop();
  await database.drop();
});

/** Keys whose answers are not fixed yet. */
async function openKeys(count: number): Promise<KeyName[]> {
  const principal = merchant();
  const { merchantId, livemode } = principal;
  const keys = Array.from({ length: count }, () => newId());
  await Promise.all(keys.map((key) => pay(instance, { principal, key })));
  await instance.pool.query(
    'update idempotency_key set answer = null, due_at = now() where merchant_id = $1',
    [merchantId],
  );
  return keys.map((key) => ({ merchantId, livemode, scope: 'payment', key }));
}

describe('fixing the answers of many requests', () => {
  it('says what was decided, in the order of the requests', async () => {
    const names = await openKeys(4);
    const [first, second] = names;
    if (!first || !second) throw new Error('there are four');
    expect(await fixAnswers(instance.pool, [{ name: second, answer: 202 }])).toEqual([202]);
    const wanted = names.toReversed().map((name) => ({ name, answer: 201 }) as const);
    expect(await fixAnswers(instance.pool, wanted)).toEqual([201, 201, 202, 201]);
    expect(await fixAnswers(instance.pool, [{ name: first, answer: 202 }])).toEqual([201]);
  });

  it('decides once when two batches cross each other in their order', async () => {
    for (let round = 0; round < 5; round += 1) {
      const names = await openKeys(200);
      const [one, other] = await Promise.all([
        fixAnswers(
          instance.pool,
          names.map((name) => ({ name, answer: 201 })),
        ),
        fixAnswers(
          instance.pool,
          names.toReversed().map((name) => ({ name, answer: 202 })),
        ),
      ]);
      expect(other?.toReversed()).toEqual(one);
    }
  });

  it('keeps a key of one scope apart from the same key of another', async () => {
    const [name] = await openKeys(1);
    if (!name) throw new Error('there is one');
    await expect(
      fixAnswers(instance.pool, [{ name: { ...name, scope: 'cancel' }, answer: 202 }]),
    ).rejects.toThrow('must exist');
    expect(await fixAnswers(instance.pool, [{ name, answer: 201 }])).toEqual([201]);
  });
});
