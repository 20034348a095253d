import { randomBytes } from 'node:crypto';
import {
  createProducer,
  createTopics,
  deleteTopics,
  type EventProducer,
  type ReceivedEvent,
  startConsumer,
} from '@mini-pg/messaging';
import { createLogger, createRegistry, newId, type Running } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configOf, createRig, eventOf, type Requested, type Rig, requested } from '../test/rig.ts';
import { CONSUMED_TOPICS } from './consumers/intake.ts';
import { createDeps } from './deps.ts';
import { startProcessor } from './processor.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const OUTCOME_TOPICS = ['payment.completed', 'payment.failed'] as const;

describe('two running instances', () => {
  const topicPrefix = `test-${randomBytes(6).toString('hex')}.`;
  const told: ReceivedEvent<(typeof OUTCOME_TOPICS)[number]>[] = [];
  const running: Running[] = [];
  let rig: Rig;
  let producer: EventProducer;

  beforeAll(async () => {
    rig = await createRig();
    const brokers = testStack().kafkaBrokers;
    for (const service of ['payment-api', 'pg-processor'] as const) {
      const consumes = service === 'pg-processor' ? CONSUMED_TOPICS : OUTCOME_TOPICS;
      await createTopics({
        brokers,
        producer: service,
        topicPrefix,
        logger,
        consumes,
        partitions: 2,
      });
    }
    const registry = createRegistry('test');
    producer = await createProducer({ brokers, clientId: 'test', logger, registry });
    const consumer = await startConsumer({
      brokers,
      groupId: `${topicPrefix}test`,
      clientId: 'test',
      topics: OUTCOME_TOPICS,
      topicPrefix,
      producer,
      handle: async (events) => void told.push(...events),
      logger,
      registry,
    });
    running.push(consumer);
    for (const INSTANCE_ID of ['a', 'b']) {
      const config = {
        ...configOf(rig.database, rig.toss),
        INSTANCE_ID,
        TOPIC_PREFIX: topicPrefix,
      };
      running.unshift(await startProcessor(createDeps(config, { logger })));
    }
  });

  afterAll(async () => {
    for (const part of running) await part.stop();
    await producer.stop();
    await deleteTopics({ brokers: testStack().kafkaBrokers, topicPrefix });
    await rig.close();
  });

  const publish = (requests: readonly Requested[]) =>
    producer.publish(
      requests.map((request) => ({
        topic: `${topicPrefix}payment.requested`,
        key: request.paymentId,
        value: JSON.stringify(eventOf(request).event),
        headers: { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` },
      })),
    );

  const toldOf = (requests: readonly Requested[]) => {
    const ids = new Set(requests.map(({ paymentId }) => paymentId));
    return told.filter(({ event }) => ids.has(event.data.paymentId));
  };

  it('turn every request into one outcome, on the trace of the request', async () => {
    const requests = Array.from({ length: 60 }, (_, index) => {
      const request = requested();
      const script = index % 3 === 0 ? [{ refuse: 'REJECT_CARD_COMPANY', httpStatus: 403 }] : null;
      rig.toss.window({ ...request, ...(script && { script }) });
      return request;
    });
    // Each is delivered twice.
    await publish([...requests, ...requests]);
    await waitFor(() => toldOf(requests).length >= 60, { what: '60 outcomes' });

    const outcomes = toldOf(requests);
    expect(new Set(outcomes.map(({ event }) => event.id)).size).toBe(60);
    const failed = outcomes.filter(({ topic }) => topic === 'payment.failed');
    expect(new Set(failed.map(({ event }) => event.data.paymentId)).size).toBe(20);
    expect(outcomes.every(({ traceId }) => traceId === 'ab'.repeat(16))).toBe(true);
    for (const { paymentKey } of requests) {
      expect(rig.toss.confirms(paymentKey)).toHaveLength(1);
    }
  });

  it('send what cannot be read to the dead letters and go on', async () => {
    const foreign = requested();
    const sealedForAnother = eventOf({ ...foreign, paymentId: newId() }).event;
    const poisoned = { ...sealedForAnother, data: { ...sealedForAnother.data } };
    poisoned.data.paymentId = foreign.paymentId;
    const good = requested();
    rig.toss.window(good);
    await producer.publish([
      {
        topic: `${topicPrefix}payment.requested`,
        key: foreign.paymentId,
        value: JSON.stringify(poisoned),
      },
    ]);
    await publish([good]);
    await waitFor(() => toldOf([good]).length === 1, { what: 'the good payment' });
    expect(toldOf([foreign])).toEqual([]);
  });
});
