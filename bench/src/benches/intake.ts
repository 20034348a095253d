import type { System } from '@mini-pg/local-stack';
import type { Bench, BenchContext } from '../bench.ts';
import { generate } from '../load/generate.ts';
import type { LoadPlan } from '../load/load-plan.ts';
import type { Report } from '../report/report.ts';
import { startBareServer } from '../servers/bare.ts';
import { auditUnfinished } from '../system/audit.ts';
import { CpuWatch, type Watched } from '../system/cpu-watch.ts';
import { emptyPayments, openDatabase, outboxDepth } from '../system/database.ts';
import { type Merchant, registerMerchants } from '../system/merchants.ts';
import { changedProfile } from '../system/profile.ts';
import { serverPids, startForBench } from '../system/start.ts';
import { waitUntil } from '../system/wait-until.ts';
import { intakeReport } from './intake-report.ts';
import { CONTENDERS, type Contender, type IntakeRun } from './intake-run.ts';

const CONNECTIONS = 64;
const MERCHANTS = 16;
const REPEAT_EVERY = 20;
const WARMUP_MS = 3_000;
const OPEN_WARMUP_MS = 1_000;
const OPEN_SHARE = 0.7;
/** The pool of a service has eight connections: without coalescing, each holds one statement. */
const STATEMENTS_AT_ONCE = 8;
const OUTBOX_TIMEOUT_MS = 120_000;

export const intake: Bench = {
  name: 'intake',
  describe: 'POST /api/v1/payments: a bare route, an insert per request, and the service.',
  async run(context): Promise<Report> {
    const setting = await prepare(context);
    const runs: Record<Contender, IntakeRun[]> = {
      'bare route': [],
      'insert per request': [],
      'payment-api': [],
    };
    for (let round = 1; round <= context.settings.rounds; round += 1) {
      for (const contender of CONTENDERS) {
        const run = await runContender(setting, contender, `r${round}`);
        runs[contender].push(run);
        const perSecond = Math.round(run.closed.answersPerSecond);
        context.log(`round ${round}, ${contender}: ${perSecond} requests/s`);
      }
    }
    return intakeReport(runs);
  },
};

type Service = Exclude<Contender, 'bare route'>;

interface Setting {
  readonly context: BenchContext;
  readonly system: System;
  readonly database: ReturnType<typeof openDatabase>;
  readonly merchants: readonly Merchant[];
  /** What a service finds in its environment beside the usual. */
  readonly environments: Record<Service, Record<string, string>>;
}

/** Everything but payment-api is stopped: the relay publishes, and nobody consumes. */
async function prepare(context: BenchContext): Promise<Setting> {
  const system = await startForBench(context);
  const database = openDatabase(system);
  context.atEnd(() => database.end());
  const merchants = await registerMerchants(system, MERCHANTS);
  await waitUntil(
    'an empty outbox',
    async () => (await outboxDepth(database, 'payment')) === 0,
    OUTBOX_TIMEOUT_MS,
  );
  await Promise.all(system.services.map((service) => service.stop()));
  const environments = {
    'payment-api': changedProfile(context, 'plain', (profile) => profile),
    'insert per request': changedProfile(context, 'inserts', (profile) => ({
      ...profile,
      limits: { ...profile.limits, intakeBatchMax: 1, intakeFlushesMax: STATEMENTS_AT_ONCE },
    })),
  };
  return { context, system, database, merchants, environments };
}

interface RunningContender {
  readonly port: number;
  readonly watched: readonly Watched[];
  /** Waits until what the load left is published; gives how much that was. */
  settle(): Promise<number>;
  stop(): Promise<void>;
}

async function runContender(
  setting: Setting,
  contender: Contender,
  round: string,
): Promise<IntakeRun> {
  const running = await start(setting, contender);
  try {
    const cpu = new CpuWatch(running.watched);
    const observer = { onMeasuring: () => cpu.start(), onMeasured: () => cpu.stop() };
    const basis = planOf(setting, contender, running.port);
    const runId = `${round}${contender.charAt(0)}`;
    const closed = await generate(basis(`${runId}c`, WARMUP_MS), observer);
    const outboxAtEnd = await running.settle();
    const ratePerSecond = Math.floor(closed.answersPerSecond * OPEN_SHARE);
    const open = await generate({ ...basis(`${runId}o`, OPEN_WARMUP_MS), ratePerSecond });
    await running.settle();
    return { closed, open, ratePerSecond, cpu: cpu.used, outboxAtEnd };
  } finally {
    await running.stop();
  }
}

function planOf({ context, merchants }: Setting, contender: Contender, port: number) {
  return (runId: string, warmupMs: number): LoadPlan => ({
    port,
    connections: CONNECTIONS,
    warmupMs,
    durationMs: context.settings.seconds * 1_000,
    statuses: [202],
    traffic: {
      kind: 'payments',
      secretKeys: merchants.map(({ secretKey }) => secretKey),
      runId,
      repeatEvery: REPEAT_EVERY,
      marksReplays: contender !== 'bare route',
    },
  });
}

function start(setting: Setting, contender: Contender): Promise<RunningContender> {
  return contender === 'bare route' ? startBare() : startService(setting, contender);
}

async function startBare(): Promise<RunningContender> {
  const server = await startBareServer();
  return {
    port: server.port,
    watched: [{ name: 'server', pid: server.pid }],
    settle: async () => 0,
    stop: async () => server.stop(),
  };
}

async function startService(
  { context, system, database, environments }: Setting,
  contender: Service,
): Promise<RunningContender> {
  const service = system.service('payment-api');
  service.setEnvironment(environments[contender]);
  await service.start();
  return {
    port: Number(new URL(service.url).port),
    watched: [{ name: 'server', pid: service.pid }, ...serverPids(system)],
    async settle() {
      const left = await outboxDepth(database, 'payment');
      const isEmpty = async () => (await outboxDepth(database, 'payment')) === 0;
      await waitUntil('an empty outbox', isEmpty, OUTBOX_TIMEOUT_MS);
      return left;
    },
    async stop() {
      await service.stop();
      await auditUnfinished(context.subject, system);
      await emptyPayments(database);
    },
  };
}
