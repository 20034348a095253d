import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { createProducer, type EventProducer, startConsumer } from '@mini-pg/messaging';
import { createRegistry } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testLogger } from '../../test/support/intake-fixture.ts';
import {
  createSite,
  type RunningApi,
  registerMerchant,
  type Site,
  send,
} from '../../test/support/running-api.ts';
import { type Statement, statement } from '../../test/support/settlements.ts';

let site: Site;
let api: RunningApi;
let producer: EventProducer;

beforeAll(async () => {
  site = await createSite();
  api = await site.start();
  producer = await createProducer({
    brokers: testStack().kafkaBrokers,
    clientId: 'test',
    logger: testLogger,
    registry: createRegistry('test'),
  });
});

afterAll(async () => {
  await Promise.all([api.stop(), producer.stop()]);
  await site.drop();
});

/** What settlement-worker does: its events on their topics, keyed by the merchant. */
async function publish(events: readonly Statement['closed'][]): Promise<void> {
  const results = await producer.publish(
    events.map(({ topic, event, key }) => ({
      topic: `${site.prefix}${topic}`,
      key,
      value: JSON.stringify(event),
    })),
  );
  expect(results.every((result) => result.ok)).toBe(true);
}

describe('a statement that comes over Kafka', () => {
  it('is read as a file once all of it is here, after what nobody can read', async () => {
    const merchant = await registerMerchant(api);
    const made = statement({ merchantId: merchant.id, count: 7, perPart: 3 });
    const rubbish = { topic: `${site.prefix}settlement.closed`, key: merchant.id, value: '{' };
    await producer.publish([rubbish]);
    await publish([...made.parts.toReversed(), made.closed, ...made.parts]);
    const url = `${api.url}/api/v1/settlements/${made.id}`;
    await waitFor(
      async () => {
        const { status, body } = await send('GET', url, { token: merchant.secretKey });
        return status === 200 && (body as { status?: string }).status === 'CLOSED';
      },
      { what: 'the statement to be complete' },
    );
    const response = await fetch(`${url}/items`, {
      headers: { authorization: `Bearer ${merchant.secretKey}`, accept: 'text/csv' },
    });
    const lines = (await response.text()).trimEnd().split('\r\n').slice(1);
    expect(lines.map((line) => line.slice(0, 36))).toEqual(made.items.map(({ id }) => id));
  });
});

describe('a merchant that is registered', () => {
  it('is announced on Kafka under its own key', async () => {
    const heard: { key: string; event: unknown }[] = [];
    const consumer = await startConsumer({
      brokers: testStack().kafkaBrokers,
      groupId: `${site.prefix}test.merchants`,
      clientId: 'test',
      topics: ['merchant.updated'],
      topicPrefix: site.prefix,
      producer,
      handle: async (events) => void heard.push(...events),
      logger: testLogger,
      registry: createRegistry('test'),
    });
    try {
      const { id } = await registerMerchant(api);
      const received = await waitFor(() => heard.find(({ key }) => key === id), {
        what: 'the merchant to be announced',
      });
      const event = EVENT_SCHEMAS['merchant.updated'].parse(received.event);
      expect(event.subject).toBe(id);
      expect(event.data).toMatchObject({ merchantId: id, version: 1 });
    } finally {
      await consumer.stop();
    }
  });
});
