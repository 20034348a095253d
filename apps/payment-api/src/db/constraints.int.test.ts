import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  merchant,
  pay,
  startInstance,
  type TestInstance,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { migrations } from './migrations/index.ts';

describe('the database', () => {
  let database: TestDatabase;
  let instance: TestInstance;
  let paymentId: string;

  beforeAll(async () => {
    database = await createTestDatabase({ payment: migrations });
    instance = startInstance({ database, prefix: uniquePrefix() });
    paymentId = (await pay(instance, { principal: merchant() })).paymentId;
  });
  afterAll(async () => {
    await instance.stop();
    await database.drop();
  });

  const setOrderId = (orderId: string) =>
    instance.pool.query('update payment set order_id = $2 where id = $1', [paymentId, orderId]);

  it.each([
    ['short', 'order'],
    ['long', 'o'.repeat(65)],
    ['with a space', 'order 1'],
    ['with a letter beyond ASCII', 'order-가나'],
    ['with a slash', 'order/1'],
    ['followed by a new line', 'order-1\n'],
    ['empty', ''],
  ])('refuses an order id that is %s', async (_how, orderId) => {
    await expect(setOrderId(orderId)).rejects.toMatchObject({
      constraint: 'payment_order_id_check',
    });
  });

  it.each([
    ['6 characters', 'order1'],
    ['64 characters', 'o'.repeat(64)],
    ['every kind of character', 'Order_20260331-1'],
  ])('takes an order id of %s', async (_what, orderId) => {
    await setOrderId(orderId);
  });
});
