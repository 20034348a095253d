import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createPool, type PostgresPool } from '@mini-pg/database';
import { createEvent, type DataOf, EVENT_SCHEMAS, type EventOf, type Topic } from '@mini-pg/domain';
import { type ReceivedEvent, Sealer } from '@mini-pg/messaging';
import { createLogger, loadProfile, newId, type PgProfile, Secret } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { startCancels } from '../src/cancels/start-cancels.ts';
import type { Config } from '../src/config.ts';
import { handleIntake } from '../src/consumers/intake.ts';
import { migrations } from '../src/db/migrations/index.ts';
import { createDeps, type Deps, type Overrides } from '../src/deps.ts';
import { sweepExpired, sweepLeases } from '../src/repairs/sweeper.ts';
import { FakeToss } from './fake-toss.ts';

export const SEAL_KEYS = `test:${randomBytes(32).toString('base64')}`;
const sealer = Sealer.parse(SEAL_KEYS);

/** Fast enough for a test: what matters is the order of things, not how long they take. */
export const QUICK: Partial<PgProfile> = {
  // No machine is so busy that the fake, which answers at once, seems not to answer.
  connectTimeoutMs: 10_000,
  readTimeoutMs: 15_000,
  inquiryScheduleMs: [1, 1, 1],
  lateCaptureScheduleMs: [1, 2, 3],
  executionTimeMaxMs: 1,
};

export interface Rig {
  readonly database: TestDatabase;
  /** A connection pool of the test itself, as the service's role. */
  readonly pool: PostgresPool;
  readonly toss: FakeToss;
  /** A processor that runs only what the test asks it to. */
  processor(settings?: Partial<PgProfile>, overrides?: Overrides): Deps;
  /** Forgets every payment. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export async function createRig(): Promise<Rig> {
  const database = await createTestDatabase({ processor: migrations });
  const toss = await new FakeToss().start();
  const pool = createPool({
    connectionString: database.urls.processor,
    applicationName: 'test',
    connectionsMax: 4,
  });
  const processors: Deps[] = [];
  return {
    database,
    pool,
    toss,
    processor(settings = {}, overrides = {}) {
      const config = configOf(database, toss, settings);
      const logger = createLogger({ service: 'test', level: 'silent' });
      const deps = createDeps(config, { logger, random: () => 0, ...overrides });
      processors.push(deps);
      return deps;
    },
    async clear() {
      await pool.query(
        'truncate attempt, cancel, source_claim, payment_result, outcome, exception, operator_action, retry_budget, outbox',
      );
    },
    async close() {
      for (const deps of processors) {
        await deps.dispatcher.stop();
        await deps.inquirer.stop();
        await deps.followUp.stop();
        await deps.pool.end();
        await deps.gateways.close();
      }
      await pool.end();
      await toss.close();
      await database.drop();
    },
  };
}

export function configOf(
  database: TestDatabase,
  toss: Pick<FakeToss, 'url'>,
  settings: Partial<PgProfile> = {},
): Config {
  const profile = loadProfile('local');
  const accounts = profile.accounts.map(({ id, livemode }) => ({
    id,
    livemode,
    secret: new Secret(`${livemode ? 'live' : 'test'}_sk_of_a_test`),
  }));
  const toSettings = { ...profile.pgs.toss, ...QUICK, baseUrl: toss.url, ...settings };
  return {
    APP_ENV: 'local',
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'silent',
    DATABASE_URL: new Secret(database.urls.processor),
    KAFKA_BROKERS: process.env.STACK_KAFKA_BROKERS ?? '',
    TOPIC_PREFIX: '',
    SEAL_KEYS: new Secret(SEAL_KEYS),
    OPERATOR_PUBLIC_KEY: generateKeyPairSync('ed25519').publicKey,
    profile,
    pgs: [{ pg: 'toss', settings: toSettings as PgProfile, accounts }],
  };
}

export interface Requested {
  paymentId: string;
  orderId: string;
  amount: number;
  paymentKey: string;
  livemode: boolean;
  pg: DataOf<'payment.requested'>['pg'];
  expiresInMs: number;
  currency: DataOf<'payment.requested'>['currency'];
}

/** A request as payment-api sends it, and what the fake's window knows of it. */
export function requested(over: Partial<Requested> = {}): Requested {
  const suffix = randomBytes(6).toString('hex');
  return {
    paymentId: newId(),
    orderId: `order-${suffix}`,
    amount: 15_000,
    paymentKey: `key-${suffix}`,
    livemode: true,
    pg: 'toss',
    expiresInMs: 600_000,
    currency: 'KRW',
    ...over,
  };
}

export function eventOf(request: Requested): ReceivedEvent<'payment.requested'> {
  const now = Date.now();
  const source = { kind: 'window', pg: request.pg, paymentKey: request.paymentKey };
  const event = createEvent('payment.requested', {
    id: newId(),
    source: 'payment-api',
    time: new Date(now).toISOString(),
    subject: request.paymentId,
    data: {
      merchantId: randomUUID(),
      livemode: request.livemode,
      paymentId: request.paymentId,
      orderId: request.orderId,
      orderName: null,
      amount: request.amount,
      taxFreeAmount: 0,
      currency: request.currency,
      pg: request.pg,
      source: sealer.seal(source, request.paymentId),
      customer: null,
      requestedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + request.expiresInMs).toISOString(),
    },
  });
  return {
    topic: 'payment.requested',
    event,
    key: request.paymentId,
    partition: 0,
    offset: 0n,
    traceparent: undefined,
    traceId: null,
  };
}

export async function receive(deps: Deps, ...requests: Requested[]): Promise<void> {
  await handleIntake(deps.intake, requests.map(eventOf));
}

/** A cancel of a payment as payment-api asks for it; everything that is left unless it says more. */
export interface RequestedCancel {
  cancelId: string;
  paymentId: string;
  amount: number | null;
  requestedAt: string;
}

export function cancelOf(
  { paymentId }: Requested,
  over: Partial<RequestedCancel> = {},
): RequestedCancel {
  const requestedAt = new Date().toISOString();
  return { cancelId: newId(), paymentId, amount: null, requestedAt, ...over };
}

export function cancelEventOf(cancel: RequestedCancel): ReceivedEvent<'payment.cancel-requested'> {
  const { cancelId, paymentId, amount, requestedAt } = cancel;
  const event = createEvent('payment.cancel-requested', {
    id: newId(),
    source: 'payment-api',
    time: requestedAt,
    subject: paymentId,
    data: {
      merchantId: randomUUID(),
      livemode: true,
      paymentId,
      cancelId,
      amount,
      taxFreeAmount: 0,
      reason: 'the shopper asked for it',
      origin: 'MERCHANT',
      requestedAt,
    },
  });
  return {
    topic: 'payment.cancel-requested',
    event,
    key: paymentId,
    partition: 0,
    offset: 0n,
    traceparent: undefined,
    traceId: null,
  };
}

export async function receiveCancels(deps: Deps, ...cancels: RequestedCancel[]): Promise<void> {
  await handleIntake(deps.intake, cancels.map(cancelEventOf));
}

export interface CancelRow {
  id: string;
  state: string;
  amount: bigint | null;
  remaining_before: bigint | null;
  remaining_after: bigint | null;
  event_id: string | null;
}

/** The cancels of a payment, in the order in which they run. */
export async function cancelsOf(pool: PostgresPool, paymentId: string): Promise<CancelRow[]> {
  const { rows } = await pool.query<CancelRow>(
    'select * from cancel where payment_id = $1 order by requested_at, id',
    [paymentId],
  );
  return rows;
}

export interface AttemptRow {
  id: string;
  operation: string;
  number: number;
  state: string;
  cancel_id: string | null;
  pg_transaction_id: string | null;
  pg_account_id: string | null;
  idempotency_key: string;
  failure: { code: string } | null;
  reached: boolean;
  answered: boolean;
  resend_count: number;
  inquiry_count: number;
  denials: number;
  next_follow_up_at: Date | null;
  next_inquiry_at: Date | null;
}

export async function attemptsOf(pool: PostgresPool, paymentId: string): Promise<AttemptRow[]> {
  const { rows } = await pool.query<AttemptRow>(
    'select * from attempt where payment_id = $1 order by operation, number',
    [paymentId],
  );
  return rows;
}

export interface OutcomeRow {
  kind: string;
  event_id: string;
  topic: string;
  payload: string;
}

export async function outcomesOf(pool: PostgresPool, paymentId: string): Promise<OutcomeRow[]> {
  const { rows } = await pool.query<OutcomeRow>('select * from outcome where payment_id = $1', [
    paymentId,
  ]);
  return rows;
}

/** The failure code of a payment's outcome; undefined when it has none or was approved. */
export async function failureCodeOf(
  pool: PostgresPool,
  paymentId: string,
): Promise<string | undefined> {
  const [outcome] = await outcomesOf(pool, paymentId);
  if (outcome?.kind !== 'FAILED') return undefined;
  const event = EVENT_SCHEMAS['payment.failed'].parse(JSON.parse(outcome.payload));
  return event.data.failure.code;
}

/** The events of a payment in the outbox, each checked against its schema, in order. */
export async function eventsOf(pool: PostgresPool, paymentId: string): Promise<EventOf<Topic>[]> {
  const { rows } = await pool.query<{ topic: Topic; payload: string }>(
    'select topic, payload from outbox where key = $1 order by seq',
    [paymentId],
  );
  return rows.map(({ topic, payload }) => EVENT_SCHEMAS[topic].parse(JSON.parse(payload)));
}

export async function exceptionsOf(
  pool: PostgresPool,
  paymentId: string,
): Promise<{ kind: string; resolved_at: Date | null; detail: { reason: string } }[]> {
  const { rows } = await pool.query<{
    kind: string;
    resolved_at: Date | null;
    detail: { reason: string };
  }>('select kind, resolved_at, detail from exception where payment_id = $1 order by id', [
    paymentId,
  ]);
  return rows;
}

/** Makes everything that waits for a time due at once. */
export async function makeDue(pool: PostgresPool): Promise<void> {
  await pool.query(`
    update attempt set
      next_inquiry_at = case when next_inquiry_at is not null then now() - interval '1 s' end,
      next_follow_up_at = case when next_follow_up_at is not null then now() - interval '1 s' end,
      next_attempt_at = now() - interval '1 s'`);
}

const ROUNDS_MAX = 30;

/** Dispatches, sweeps, inquires and starts cancels until nothing is left to do. */
export async function settle(deps: Deps): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await makeDue(deps.pool);
    const dispatched = await deps.dispatcher.runOnce();
    const inquired = await deps.inquirer.runOnce();
    const started = await startCancels(deps.startCancels);
    const swept = (await sweepLeases(deps.sweeper)) + (await sweepExpired(deps.sweeper));
    if (dispatched + inquired + started + swept === 0) return;
  }
  throw new Error(`still busy after ${ROUNDS_MAX} rounds`);
}
