import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createPool, type PostgresPool } from '@mini-pg/database';
import { createProducer, createTopics, deleteTopics } from '@mini-pg/messaging';
import { createLogger, createRegistry } from '@mini-pg/runtime';
import { createTestDatabase, testStack } from '@mini-pg/testing';
import { CONSUMED_TOPICS } from '../src/consumers/intake.ts';
import { migrations } from '../src/db/migrations/index.ts';
import { type Program, startProgram } from './processes.ts';
import {
  cancelEventOf,
  eventOf,
  type Requested,
  type RequestedCancel,
  requested,
  SEAL_KEYS,
} from './rig.ts';

export interface LedgerRow {
  readonly kind: string;
  readonly orderId: string;
  readonly pgTransactionId: string;
  readonly amount: number;
}

/** pg-processor as processes before the simulator, on a database and topics of their own. */
export interface Instances {
  readonly pool: PostgresPool;
  /** By instance id. */
  readonly programs: ReadonlyMap<string, Program>;
  /** Starts one more instance. */
  startInstance(instanceId: string): Promise<Program>;
  /** Opens windows at the simulator, one for each scenario. */
  openWindows(scenarios: readonly string[]): Promise<Requested[]>;
  publish(requests: readonly Requested[]): Promise<void>;
  publishCancels(cancels: readonly RequestedCancel[]): Promise<void>;
  ledger(): Promise<LedgerRow[]>;
  stop(): Promise<void>;
}

const PARTITIONS = 2;
const LEDGER_ROWS_MAX = 10_000;

export async function startInstances(ids: readonly string[]): Promise<Instances> {
  const topicPrefix = `test-${randomBytes(6).toString('hex')}.`;
  const brokers = testStack().kafkaBrokers;
  const logger = createLogger({ service: 'test', level: 'silent' });
  const database = await createTestDatabase({ processor: migrations });
  const pool = createPool({ connectionString: database.urls.processor, applicationName: 'test' });
  for (const producer of ['payment-api', 'pg-processor'] as const) {
    const consumes = producer === 'pg-processor' ? CONSUMED_TOPICS : [];
    await createTopics({
      brokers,
      producer,
      topicPrefix,
      logger,
      consumes,
      partitions: PARTITIONS,
    });
  }
  const registry = createRegistry('test');
  const producer = await createProducer({ brokers, clientId: 'test', logger, registry });
  const simulator = await startProgram('pg-simulator', {});
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
  };
  const programs = new Map<string, Program>();
  const startInstance = async (INSTANCE_ID: string): Promise<Program> => {
    const program = await startProgram('pg-processor', { ...environment, INSTANCE_ID });
    programs.set(INSTANCE_ID, program);
    return program;
  };
  for (const id of ids) await startInstance(id);

  return {
    pool,
    programs,
    startInstance,
    openWindows: (scenarios) => openWindows(simulator.url, scenarios),
    async publish(requests) {
      await producer.publish(
        requests.map((request) => ({
          topic: `${topicPrefix}payment.requested`,
          key: request.paymentId,
          value: JSON.stringify(eventOf(request).event),
        })),
      );
    },
    async publishCancels(cancels) {
      await producer.publish(
        cancels.map((cancel) => ({
          topic: `${topicPrefix}payment.cancel-requested`,
          key: cancel.paymentId,
          value: JSON.stringify(cancelEventOf(cancel).event),
        })),
      );
    },
    async ledger() {
      const answer = await fetch(`${simulator.url}/_sim/ledger?limit=${LEDGER_ROWS_MAX}`);
      return ((await answer.json()) as { data: LedgerRow[] }).data;
    },
    async stop() {
      await Promise.all([...programs.values()].map((program) => program.stop('SIGTERM')));
      await simulator.stop('SIGTERM');
      await producer.stop();
      await deleteTopics({ brokers, topicPrefix });
      await pool.end();
      await database.drop();
    },
  };
}

async function openWindows(simulator: string, scenarios: readonly string[]): Promise<Requested[]> {
  const requests = scenarios.map(() => requested());
  const items = requests.map(({ orderId, amount }, index) => ({
    orderId,
    amount,
    scenario: scenarios[index],
  }));
  const answer = await fetch(`${simulator}/_sim/toss/windows/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ items }),
  });
  const { data } = (await answer.json()) as { data: { paymentKey: string }[] };
  return requests.map((one, index) => ({ ...one, paymentKey: data[index]?.paymentKey ?? '' }));
}
