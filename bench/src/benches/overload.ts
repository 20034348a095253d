import type { System } from '@mini-pg/local-stack';
import type { Bench, BenchContext } from '../bench.ts';
import { generate } from '../load/generate.ts';
import type { LoadPlan, LoadResult } from '../load/load-plan.ts';
import type { Report } from '../report/report.ts';
import { auditAtRest } from '../system/audit.ts';
import { openDatabase } from '../system/database.ts';
import { type Merchant, registerMerchants } from '../system/merchants.ts';
import { ServiceWatch } from '../system/service-watch.ts';
import { startForBench } from '../system/start.ts';
import { waitUntil } from '../system/wait-until.ts';
import { openWindows } from '../system/windows.ts';
import { overloadReport } from './overload-report.ts';
import { type OverloadRun, TIMES_CAPACITY } from './overload-run.ts';

const MERCHANTS = 16;
/** Enough for full batches, and few enough that nothing waits for as long as would be refused. */
const CAPACITY_CONNECTIONS = 256;
/** Each request that is under way holds one: well above a second's work. */
const CONNECTIONS = 4_096;
const WARMUP_MS = 3_000;
const CAPACITY_MS = 5_000;
const CALM_CONNECTIONS = 16;
const CALM_PER_SECOND = 50;
const CALM_MS = 1_000;
const CALM_TRIES_MAX = 60;
/** A time that is as good as before: nobody would see the difference. */
const CALM_TIMES = 2;
const CALM_P99_MIN_MS = 50;
const MINUTE_MS = 60_000;
/** Windows are opened for what is taken, whose rate nobody knows before. */
const CAPACITY_PER_SECOND_MAX = 8_000;
const TAKEN_OF_CAPACITY_MAX = 2;
const READY_TIMEOUT_MS = 60_000;
const FINAL_TIMEOUT_MS = 900_000;

export const overload: Bench = {
  name: 'overload',
  describe: 'Three times what payment-api can take, for a minute, and how it is afterwards.',
  isPicture: true,
  async run(context): Promise<Report> {
    const setting = await prepare(context);
    const runs: OverloadRun[] = [];
    for (let round = 1; round <= context.settings.rounds; round += 1) {
      const run = await runOnce(setting, `r${round}`);
      runs.push(run);
      const { capacityPerSecond, load } = run;
      context.log(
        `round ${round}: ${Math.round(capacityPerSecond)} requests/s is its capacity, ` +
          `${Math.round(load.answersPerSecond)} taken and ${load.refused} refused under ${TIMES_CAPACITY} times that`,
      );
    }
    return overloadReport(runs, context.settings.minutes);
  },
};

interface Setting {
  readonly context: BenchContext;
  readonly system: System;
  readonly database: ReturnType<typeof openDatabase>;
  readonly merchants: readonly Merchant[];
}

async function prepare(context: BenchContext): Promise<Setting> {
  const system = await startForBench(context);
  const database = openDatabase(system);
  context.atEnd(() => database.end());
  return { context, system, database, merchants: await registerMerchants(system, MERCHANTS) };
}

async function runOnce(setting: Setting, round: string): Promise<OverloadRun> {
  const { context, system } = setting;
  const capacity = await send(setting, `${round}c`, {
    connections: CAPACITY_CONNECTIONS,
    warmupMs: WARMUP_MS,
    durationMs: CAPACITY_MS,
    takenPerSecondMax: CAPACITY_PER_SECOND_MAX,
  });
  await untilFinal(setting);
  const before = await calm(setting, `${round}b`);
  const watch = await ServiceWatch.start(system.service('payment-api'));
  const offeredPerSecond = Math.floor(capacity.answersPerSecond * TIMES_CAPACITY);
  const load = await send(setting, `${round}o`, {
    connections: CONNECTIONS,
    ratePerSecond: offeredPerSecond,
    isOverload: true,
    warmupMs: 0,
    durationMs: context.settings.minutes * MINUTE_MS,
    takenPerSecondMax: capacity.answersPerSecond * TAKEN_OF_CAPACITY_MAX,
  }).finally(() => watch.loadEnded());
  const recovery = await recover(setting, watch, { round, p99: before.latency.p99 });
  await untilFinal(setting);
  const finalAfterMs = watch.sinceEndMs();
  const { shed, turnedUnready, residentBytes } = await watch.stop();
  await auditAtRest(context.subject, system);
  const taken = [capacity, before, load, ...recovery.loads].reduce(
    (sum, one) => sum + one.taken,
    0,
  );
  const final = await countFinal(setting, round);
  const p99 = { before: before.latency.p99, after: recovery.p99 };
  return {
    capacityPerSecond: capacity.answersPerSecond,
    offeredPerSecond,
    load,
    shed,
    residentBytes,
    turnedUnready,
    readyAfterMs: recovery.readyAfterMs,
    calmAfterMs: recovery.calmAfterMs,
    calmP99Ms: p99,
    taken,
    final,
    finalAfterMs,
  };
}

/** Sends a few requests a second until they are answered as before the overload. */
async function recover(setting: Setting, watch: ServiceWatch, was: { round: string; p99: number }) {
  const ready = waitUntil('a service that is ready', () => watch.isReady(), READY_TIMEOUT_MS).then(
    () => watch.sinceEndMs(),
  );
  const enough = Math.max(CALM_P99_MIN_MS, was.p99 * CALM_TIMES);
  const loads: LoadResult[] = [];
  let calmAfterMs = Number.NaN;
  while (loads.length < CALM_TRIES_MAX && Number.isNaN(calmAfterMs)) {
    const fromMs = watch.sinceEndMs();
    const load = await calm(setting, `${was.round}a${loads.length}`);
    loads.push(load);
    if (load.refused === 0 && load.latency.p99 <= enough) calmAfterMs = fromMs;
  }
  if (Number.isNaN(calmAfterMs)) throw new Error('The service did not become as it was before.');
  return { loads, readyAfterMs: await ready, calmAfterMs, p99: loads.at(-1)?.latency.p99 ?? 0 };
}

function calm(setting: Setting, runId: string): Promise<LoadResult> {
  return send(setting, runId, {
    connections: CALM_CONNECTIONS,
    ratePerSecond: CALM_PER_SECOND,
    isOverload: true,
    warmupMs: 0,
    durationMs: CALM_MS,
    takenPerSecondMax: CALM_PER_SECOND,
  });
}

type Sent = Pick<
  LoadPlan,
  'connections' | 'ratePerSecond' | 'isOverload' | 'warmupMs' | 'durationMs'
> & { readonly takenPerSecondMax: number };

/** Payments that shoppers have authenticated, answered 202: their outcome is not waited for. */
async function send(
  { context, system, merchants }: Setting,
  runId: string,
  { takenPerSecondMax, ...plan }: Sent,
): Promise<LoadResult> {
  const paymentKeysFile = `${context.scratchDir}/${runId}.keys`;
  const seconds = (plan.warmupMs + plan.durationMs) / 1_000;
  const count = Math.ceil(takenPerSecondMax * seconds) + plan.connections;
  await openWindows(system, { runId, count, file: paymentKeysFile });
  return generate({
    ...plan,
    port: Number(new URL(system.api).port),
    statuses: [202],
    traffic: {
      kind: 'payments',
      secretKeys: merchants.map(({ secretKey }) => secretKey),
      runId,
      marksReplays: true,
      paymentKeysFile,
    },
  });
}

async function untilFinal({ database }: Setting): Promise<void> {
  const nothingOpen = async () => {
    const { rows } = await database.query<{ open: boolean }>(
      'select exists (select from payment.payment_open) as open',
    );
    return rows[0]?.open === false;
  };
  await waitUntil('an outcome of every payment', nothingOpen, FINAL_TIMEOUT_MS);
}

/** Payments of a round that are approved or failed; the order of each begins with its run. */
async function countFinal({ database }: Setting, round: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(distinct p.id)::int as count
     from payment.payment p
     join payment.payment_fact f on f.payment_id = p.id and f.kind in ('APPROVED', 'FAILED')
     where p.order_id like $1`,
    [`${round}%`],
  );
  return rows[0]?.count ?? 0;
}
