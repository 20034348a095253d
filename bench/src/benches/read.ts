import type { PostgresPool } from '@mini-pg/database';
import type { System } from '@mini-pg/local-stack';
import type { Bench, BenchContext } from '../bench.ts';
import { generate } from '../load/generate.ts';
import type { LoadPlan, LoadResult } from '../load/load-plan.ts';
import { figure, median, number } from '../report/figures.ts';
import type { Report } from '../report/report.ts';
import { startBareServer } from '../servers/bare.ts';
import { auditAtRest } from '../system/audit.ts';
import { openDatabase } from '../system/database.ts';
import { type Merchant, registerMerchants } from '../system/merchants.ts';
import { pay } from '../system/pay.ts';
import { startForBench } from '../system/start.ts';

const CONNECTIONS = 64;
const MERCHANTS = 16;
const PAYMENTS = 500;
const WARMUP_MS = 2_000;
const PAYMENTS_PER_SECOND = 50;
const RUN_ID = 'read';
/** Nothing listens there: what the service sees of a Redis that is away. */
const NO_REDIS = 'redis://127.0.0.1:1';
/** Cached reads a second of a tuned Spring Boot + JPA service on two cores. */
const PEER_PER_SECOND = 13_102;
const OVER_PEER_MIN = 4 / 3;

const CONTENDERS = ['bare route', 'from the cache', 'from Postgres'] as const;
type Contender = (typeof CONTENDERS)[number];
type Target = { path: string; secretKey: string };

export const read: Bench = {
  name: 'read',
  describe: 'GET /api/v1/payments/{id}: a bare route, from the cache, and from Postgres.',
  async run(context): Promise<Report> {
    const system = await startForBench(context);
    const database = openDatabase(system);
    context.atEnd(() => database.end());
    const targets = await makePayments(context, system, database);
    await Promise.all(system.services.map((service) => service.stop()));
    const runs: Record<Contender, LoadResult[]> = {
      'bare route': [],
      'from the cache': [],
      'from Postgres': [],
    };
    for (let round = 1; round <= context.settings.rounds; round += 1) {
      for (const contender of CONTENDERS) {
        const result = await runContender(context, system, contender, targets);
        runs[contender].push(result);
        const perSecond = Math.round(result.answersPerSecond);
        context.log(`round ${round}, ${contender}: ${perSecond} reads/s`);
      }
    }
    return reportOf(runs);
  },
};

/** Approved payments, made through the whole system. */
async function makePayments(
  context: BenchContext,
  system: System,
  database: PostgresPool,
): Promise<Target[]> {
  const merchants = await registerMerchants(system, MERCHANTS);
  await pay(
    { context, system, merchants },
    {
      runId: RUN_ID,
      connections: CONNECTIONS,
      ratePerSecond: PAYMENTS_PER_SECOND,
      warmupMs: 0,
      durationMs: (PAYMENTS / PAYMENTS_PER_SECOND) * 1_000,
      payments: PAYMENTS + 1,
    },
  );
  await auditAtRest(context.subject, system);
  return readTargets(database, merchants);
}

async function readTargets(
  database: PostgresPool,
  merchants: readonly Merchant[],
): Promise<Target[]> {
  const secretKeys = new Map(merchants.map(({ id, secretKey }) => [id, secretKey]));
  const { rows } = await database.query<{ id: string; merchant_id: string }>(
    'select id, merchant_id from payment.payment order by id',
  );
  return rows.map(({ id, merchant_id }) => ({
    path: `/api/v1/payments/${id}`,
    secretKey: secretKeys.get(merchant_id) ?? '',
  }));
}

async function runContender(
  context: BenchContext,
  system: System,
  contender: Contender,
  targets: Target[],
): Promise<LoadResult> {
  const load = (port: number): Promise<LoadResult> => generate(planOf(context, port, targets));
  if (contender === 'bare route') {
    const server = await startBareServer();
    try {
      return await load(server.port);
    } finally {
      server.stop();
    }
  }
  const service = system.service('payment-api');
  service.setEnvironment({ REDIS_URL: contender === 'from the cache' ? system.redis : NO_REDIS });
  await service.start();
  try {
    return await load(Number(new URL(service.url).port));
  } finally {
    await service.stop();
  }
}

function planOf(context: BenchContext, port: number, targets: Target[]): LoadPlan {
  return {
    port,
    connections: CONNECTIONS,
    warmupMs: WARMUP_MS,
    durationMs: context.settings.seconds * 1_000,
    statuses: [200],
    traffic: { kind: 'reads', targets },
  };
}

function reportOf(runs: Record<Contender, LoadResult[]>): Report {
  const perSecond = (name: Contender) => runs[name].map(({ answersPerSecond }) => answersPerSecond);
  const cached = perSecond('from the cache');
  return {
    summary: [
      `${number(PAYMENTS)} approved payments of ${MERCHANTS} merchants, read in turn over ` +
        `${CONNECTIONS} connections, closed loop; each server is started anew for each run, and ` +
        'nothing else runs but the servers. An entry of the cache lives 5 s, so every payment is ' +
        'read from Postgres that often. From Postgres is the same service without Redis. The ' +
        'bare route is Fastify and zod with an answer that is at hand.',
    ],
    expectations: [
      {
        what: `cached reads over the peer's ${number(PEER_PER_SECOND)}/s (Spring Boot + JPA)`,
        wanted: `at least ${number(OVER_PEER_MIN)}`,
        measured: figure(cached.map((rate) => rate / PEER_PER_SECOND)),
        isMet: median(cached) >= PEER_PER_SECOND * OVER_PEER_MIN,
      },
    ],
    measures: CONTENDERS.map((name) => ({
      what: `${name}: reads/s`,
      value: median(perSecond(name)),
      better: 'higher',
    })),
    sections: [
      {
        heading: 'Reads',
        text: ['Times in ms; processor time of the generator in microseconds a read.'],
        table: {
          columns: ['', 'reads/s', 'p50', 'p99', 'p99.9', 'generator'],
          rows: CONTENDERS.map((name) => [
            name,
            figure(perSecond(name)),
            figure(runs[name].map(({ latency }) => latency.p50)),
            figure(runs[name].map(({ latency }) => latency.p99)),
            figure(runs[name].map(({ latency }) => latency.p999)),
            figure(runs[name].map(({ cpuMicros, answers }) => cpuMicros / answers)),
          ]),
        },
      },
    ],
  };
}
