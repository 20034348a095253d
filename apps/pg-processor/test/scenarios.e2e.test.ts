import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createPool, type PostgresPool } from '@mini-pg/database';
import { createProducer, createTopics, type EventProducer } from '@mini-pg/messaging';
import { createLogger, createRegistry } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, testStack, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONSUMED_TOPICS } from '../src/consumers/intake.ts';
import { migrations } from '../src/db/migrations/index.ts';
import { type Program, startProgram } from './processes.ts';
import {
  attemptsOf,
  eventOf,
  exceptionsOf,
  outcomesOf,
  type Requested,
  requested,
  SEAL_KEYS,
} from './rig.ts';

const ENDS_WITHIN_MS = 120_000;

type End = 'APPROVED' | 'FAILED' | 'EXCEPTION';

/** What the simulator's scenarios end in, and with which failure or exception. */
const SCENARIOS: readonly (readonly [scenario: string, end: End, code: string | null])[] = [
  ['approve', 'APPROVED', null],
  ['slow:2000', 'APPROVED', null],
  ['reset-before', 'APPROVED', null],
  ['reset-after-capture', 'APPROVED', null],
  ['500-after-capture', 'APPROVED', null],
  ['garbage', 'APPROVED', null],
  ['partial-after-capture', 'APPROVED', null],
  ['hang-after-capture', 'APPROVED', null],
  ['late:3000', 'APPROVED', null],
  ['late:20000', 'APPROVED', null],
  ['not-found-for:4000', 'APPROVED', null],
  ['not-found-for:20000', 'APPROVED', null],
  ['slow:1000,reset-after-capture', 'APPROVED', null],
  ['reset-before,500-after-capture', 'APPROVED', null],
  ['decline-once:CARD_PROCESSING_ERROR', 'APPROVED', null],
  ['decline:REJECT_CARD_COMPANY', 'FAILED', 'CARD_DECLINED'],
  ['decline:REJECT_CARD_PAYMENT', 'FAILED', 'INSUFFICIENT_FUNDS_OR_LIMIT'],
  ['decline:INVALID_STOPPED_CARD', 'FAILED', 'INVALID_PAYMENT_METHOD'],
  ['decline:INVALID_PASSWORD', 'FAILED', 'AUTHENTICATION_FAILED'],
  ['decline:UNAUTHORIZED_KEY', 'FAILED', 'CONFIG_ERROR'],
  ['decline:MAINTAINED_METHOD', 'FAILED', 'PROVIDER_UNAVAILABLE'],
  ['decline:FAILED_INTERNAL_SYSTEM_PROCESSING', 'FAILED', 'CARD_DECLINED'],
  ['waiting-for-deposit', 'FAILED', 'METHOD_NOT_SUPPORTED'],
  ['hang', 'EXCEPTION', 'OUTCOME_UNKNOWN'],
  ['not-found-for:600000', 'EXCEPTION', 'OUTCOME_UNKNOWN'],
];

describe('two instances before the simulator', () => {
  const topicPrefix = `test-${randomBytes(6).toString('hex')}.`;
  const programs: Program[] = [];
  let database: TestDatabase;
  let pool: PostgresPool;
  let producer: EventProducer;
  let simulator: Program;

  beforeAll(async () => {
    const brokers = testStack().kafkaBrokers;
    const logger = createLogger({ service: 'test', level: 'silent' });
    database = await createTestDatabase({ processor: migrations });
    pool = createPool({ connectionString: database.urls.processor, applicationName: 'test' });
    await createTopics({ brokers, producer: 'payment-api', topicPrefix, logger });
    const consumes = CONSUMED_TOPICS;
    await createTopics({ brokers, producer: 'pg-processor', topicPrefix, logger, consumes });
    producer = await createProducer({
      brokers,
      clientId: 'test',
      logger,
      registry: createRegistry('test'),
    });
    simulator = await startProgram('pg-simulator', {});
    programs.push(simulator);
    const { publicKey } = generateKeyPairSync('ed25519');
    const environment = {
      DATABASE_URL: database.urls.processor,
      KAFKA_BROKERS: brokers,
      TOPIC_PREFIX: topicPrefix,
      SEAL_KEYS,
      OPERATOR_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      TOSS_LIVE_SECRET_KEY: 'live_sk_of_the_simulator',
      TOSS_TEST_SECRET_KEY: 'test_sk_of_the_simulator',
      TOSS_BASE_URL: simulator.url,
      LOG_LEVEL: 'warn',
    };
    for (const INSTANCE_ID of ['one', 'two']) {
      const level = { LOG_LEVEL: 'info' };
      programs.push(await startProgram('pg-processor', { ...environment, ...level, INSTANCE_ID }));
    }
  });

  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop('SIGTERM')));
    await producer.stop();
    await pool.end();
    await database.drop();
  });

  const openWindow = async (scenario: string): Promise<Requested> => {
    const request = requested();
    const answer = await fetch(`${simulator.url}/_sim/toss/windows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ orderId: request.orderId, amount: request.amount, scenario }),
    });
    const { paymentKey } = (await answer.json()) as { paymentKey: string };
    return { ...request, paymentKey };
  };

  const publish = (request: Requested) =>
    producer.publish([
      {
        topic: `${topicPrefix}payment.requested`,
        key: request.paymentId,
        value: JSON.stringify(eventOf(request).event),
      },
    ]);

  const ledgerOf = async (
    orderId: string,
  ): Promise<{ kind: string; pgTransactionId: string }[]> => {
    const answer = await fetch(`${simulator.url}/_sim/ledger?orderId=${orderId}`);
    return ((await answer.json()) as { data: { kind: string; pgTransactionId: string }[] }).data;
  };

  const endOf = async ({ paymentId }: Requested): Promise<[End, string | null] | undefined> => {
    const [outcome] = await outcomesOf(pool, paymentId);
    if (outcome?.kind === 'APPROVED') return ['APPROVED', null];
    if (outcome) {
      const { data } = JSON.parse(outcome.payload) as { data: { failure: { code: string } } };
      return ['FAILED', data.failure.code];
    }
    const [exception] = await exceptionsOf(pool, paymentId);
    return exception && ['EXCEPTION', exception.kind];
  };

  it.concurrent.each(SCENARIOS)(
    '%s ends %s %s',
    { timeout: ENDS_WITHIN_MS },
    async (scenario, end, code) => {
      const request = await openWindow(scenario);
      await publish(request);
      const found = await waitFor(() => endOf(request), {
        what: `the end of ${scenario}`,
        timeoutMs: ENDS_WITHIN_MS,
        intervalMs: 250,
      });
      expect(found).toEqual([end, code]);

      const ledger = await ledgerOf(request.orderId);
      const approved = (await attemptsOf(pool, request.paymentId)).filter(
        ({ state, operation }) => state === 'APPROVED' && operation === 'APPROVE',
      );
      const captured = ledger.map(({ pgTransactionId }) => pgTransactionId);
      expect(captured.length).toBeLessThanOrEqual(1);
      if (end !== 'EXCEPTION') {
        expect(approved.map(({ pg_transaction_id }) => pg_transaction_id)).toEqual(captured);
      }
    },
  );
});
