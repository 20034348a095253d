import type { System } from '@mini-pg/local-stack';
import type { Bench, BenchContext } from '../bench.ts';
import type { Report } from '../report/report.ts';
import { auditAtRest } from '../system/audit.ts';
import { CpuWatch } from '../system/cpu-watch.ts';
import { openDatabase } from '../system/database.ts';
import { registerMerchants } from '../system/merchants.ts';
import { pay, type Shops } from '../system/pay.ts';
import { changedProfile } from '../system/profile.ts';
import { serverPids, startForBench } from '../system/start.ts';
import { setGatewayLatency } from '../system/windows.ts';
import { e2eReport } from './e2e-report.ts';
import { type FlowRun, GATEWAY_LATENCIES_MS, LONE_PER_SECOND, type LoneRun } from './e2e-run.ts';
import { readSteps } from './flow-steps.ts';

/** In flight at once: well above any rate reached times the slow gateway's 200 ms. */
const CONNECTIONS = 1_024;
const OPEN_CONNECTIONS = 2_048;
/** Calls that pg-processor may have open: twice the rate times the latency, and more. */
const GATEWAY_SLOTS = 2_048;
const LONE_CONNECTIONS = 64;
const MERCHANTS = 16;
const WARMUP_MS = 4_000;
const OPEN_WARMUP_MS = 2_000;
const OPEN_SHARE = 0.7;
/** Windows for a closed loop, whose rate nobody knows before. */
const PER_SECOND_MAX = 6_000;

export const e2e: Bench = {
  name: 'e2e',
  describe: 'From POST to APPROVED as the merchant sees it, with a fast gateway and a slow one.',
  async run(context): Promise<Report> {
    const setting = await prepare(context);
    const flows: FlowRun[][] = GATEWAY_LATENCIES_MS.map(() => []);
    const lone: LoneRun[] = [];
    for (let round = 1; round <= context.settings.rounds; round += 1) {
      for (const [index, latencyMs] of GATEWAY_LATENCIES_MS.entries()) {
        const run = await runFlow(setting, latencyMs, `r${round}l${latencyMs}`);
        flows[index]?.push(run);
        const rate = Math.round(run.finalPerSecond);
        context.log(`round ${round}, gateway of ${latencyMs} ms: ${rate} payments/s`);
      }
      lone.push(await runLone(setting, `r${round}`));
    }
    return e2eReport(flows, lone);
  },
};

interface Setting extends Shops {
  readonly database: ReturnType<typeof openDatabase>;
}

async function prepare(context: BenchContext): Promise<Setting> {
  const wide = changedProfile(context, 'wide', (profile) => {
    const { toss, ...others } = profile.pgs;
    if (toss === undefined) throw new Error('The local profile has no toss.');
    return { ...profile, pgs: { ...others, toss: { ...toss, concurrency: GATEWAY_SLOTS } } };
  });
  const system = await startForBench(context, { env: { 'pg-processor': wide } });
  const database = openDatabase(system);
  context.atEnd(() => database.end());
  return { context, system, database, merchants: await registerMerchants(system, MERCHANTS) };
}

async function runFlow(setting: Setting, latencyMs: number, runId: string): Promise<FlowRun> {
  const { system, context } = setting;
  const durationMs = context.settings.seconds * 1_000;
  await setGatewayLatency(system, latencyMs);
  const cpu = watchAll(system);
  const closed = await pay(
    setting,
    {
      runId: `${runId}c`,
      connections: CONNECTIONS,
      warmupMs: WARMUP_MS,
      durationMs,
      payments: (PER_SECOND_MAX * (WARMUP_MS + durationMs)) / 1_000 + CONNECTIONS,
    },
    { onMeasuring: () => cpu.start(), onMeasured: () => cpu.stop() },
  );
  const finalPerSecond = (closed.statuses['201'] ?? 0) / context.settings.seconds;
  const ratePerSecond = Math.max(1, Math.floor(finalPerSecond * OPEN_SHARE));
  const open = await pay(setting, {
    runId: `${runId}o`,
    connections: OPEN_CONNECTIONS,
    warmupMs: OPEN_WARMUP_MS,
    durationMs,
    ratePerSecond,
    payments: Math.ceil((ratePerSecond * (OPEN_WARMUP_MS + durationMs)) / 1_000) + 1,
  });
  await auditAtRest(context.subject, system);
  return { closed, open, finalPerSecond, ratePerSecond, cpu: cpu.used };
}

/** Payments that come one by one, at a gateway that answers at once. */
async function runLone(setting: Setting, round: string): Promise<LoneRun> {
  const { context, system, database } = setting;
  const durationMs = context.settings.seconds * 1_000;
  const runId = `${round}lone`;
  await setGatewayLatency(system, 0);
  const load = await pay(setting, {
    runId,
    connections: LONE_CONNECTIONS,
    warmupMs: OPEN_WARMUP_MS,
    durationMs,
    ratePerSecond: LONE_PER_SECOND,
    payments: (LONE_PER_SECOND * (OPEN_WARMUP_MS + durationMs)) / 1_000 + 1,
  });
  const steps = await readSteps(database, runId);
  await auditAtRest(context.subject, system);
  return { load, steps };
}

function watchAll(system: System): CpuWatch {
  const services = system.services.map(({ service, pid }) => ({ name: service, pid }));
  return new CpuWatch([...services, ...serverPids(system)]);
}
