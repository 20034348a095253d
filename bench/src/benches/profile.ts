import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '@mini-pg/local-stack';
import type { Bench, BenchContext } from '../bench.ts';
import { generate } from '../load/generate.ts';
import { type Frame, readCpuProfile, selfTimes } from '../profile/cpu-profile.ts';
import { flameGraph } from '../profile/flame-graph.ts';
import { number } from '../report/figures.ts';
import type { Report, Section } from '../report/report.ts';
import { auditAtRest, auditUnfinished } from '../system/audit.ts';
import { registerMerchants } from '../system/merchants.ts';
import { pay, type Shops } from '../system/pay.ts';
import { startForBench } from '../system/start.ts';

const MERCHANTS = 16;
const INTAKE_CONNECTIONS = 64;
const FLOW_CONNECTIONS = 256;
const FLOWS_PER_SECOND_MAX = 6_000;
const LISTED = 10;
const COSTS_NAMED = 3;

export const profile: Bench = {
  name: 'profile',
  describe: 'Flame graphs of payment-api at intake and of pg-processor in whole flows.',
  isPicture: true,
  async run(context): Promise<Report> {
    const system = await startForBench(context);
    const merchants = await registerMerchants(system, MERCHANTS);
    const shops = { context, system, merchants };
    // In this order: what intake leaves in Kafka is of payments that nobody is to process.
    const flow = await profileFlow(shops);
    const intake = await profileIntake(shops);
    return {
      summary: [
        'V8 samples each service (`--cpu-prof`) while it is under load, once a closed loop ' +
          `of ${INTAKE_CONNECTIONS} connections that only request payments, once of ` +
          `${FLOW_CONNECTIONS} that wait for their outcome. Idle time is left out: shares are of ` +
          'the time in which the main thread worked. In the graphs ours is orange, libraries yellow, Node blue, the garbage collector red.',
      ],
      rounds: 1,
      expectations: [],
      sections: [...sectionsOf('payment-api', intake), ...sectionsOf('pg-processor', flow)],
      files: [
        { name: fileOf('payment-api'), content: flameGraph(intake, 'payment-api at intake') },
        { name: fileOf('pg-processor'), content: flameGraph(flow, 'pg-processor in whole flows') },
      ],
    };
  },
};

async function profileIntake(shops: Shops): Promise<Frame> {
  const { system, context } = shops;
  await Promise.all(system.services.map((service) => service.stop()));
  const frame = await profiled(context, system.service('payment-api'), async () => {
    await generate({
      port: Number(new URL(system.api).port),
      connections: INTAKE_CONNECTIONS,
      warmupMs: 0,
      durationMs: context.settings.seconds * 1_000,
      statuses: [202],
      traffic: {
        kind: 'payments',
        secretKeys: shops.merchants.map(({ secretKey }) => secretKey),
        runId: 'pi',
        marksReplays: true,
      },
    });
  });
  await auditUnfinished(context.subject, system);
  return frame;
}

async function profileFlow(shops: Shops): Promise<Frame> {
  const { system, context } = shops;
  return profiled(context, system.service('pg-processor'), async () => {
    await pay(shops, {
      runId: 'pf',
      connections: FLOW_CONNECTIONS,
      warmupMs: 0,
      durationMs: context.settings.seconds * 1_000,
      payments: FLOWS_PER_SECOND_MAX * context.settings.seconds,
    });
    await auditAtRest(context.subject, system);
  });
}

/** Runs a stopped service with the profiler on, and reads what it leaves when it ends. */
async function profiled(
  { scratchDir }: BenchContext,
  service: Service,
  work: () => Promise<void>,
): Promise<Frame> {
  const folder = join(scratchDir, `profile-${service.name}`);
  mkdirSync(folder);
  service.setEnvironment({ NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` });
  if (service.pid !== undefined) await service.stop();
  await service.start();
  const fromMicros = nowMicros();
  await work();
  const toMicros = nowMicros();
  await service.stop();
  service.setEnvironment({ NODE_OPTIONS: '' });
  const [file] = readdirSync(folder);
  if (file === undefined) throw new Error(`${service.name} left no profile.`);
  return readCpuProfile(readFileSync(join(folder, file), 'utf8'), { fromMicros, toMicros });
}

/** The clock of the profiles: monotonic, and one for all processes of the machine. */
function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

const fileOf = (service: string): string => `profile-${service}.svg`;

function sectionsOf(service: string, root: Frame): Section[] {
  const share = (micros: number) => `${number((micros / root.totalMicros) * 100)} %`;
  const functions = selfTimes(root, ({ name, owner }) => `\`${name}\` (${owner})`);
  const owners = selfTimes(root, ({ owner }) => owner);
  const named = (all: typeof owners) =>
    all
      .slice(0, COSTS_NAMED)
      .map(({ key, micros }) => `${key} ${share(micros)}`)
      .join(', ');
  return [
    {
      heading: service,
      text: [
        `![Flame graph of ${service}](${fileOf(service)})`,
        `The three largest costs by package: ${named(owners)}. By function: ${named(functions)}.`,
      ],
      table: {
        columns: ['Own time of a function', 'share', 'of a package', 'share'],
        rows: functions.slice(0, LISTED).map(({ key, micros }, index) => {
          const owner = owners[index];
          return [key, share(micros), owner?.key ?? '', owner ? share(owner.micros) : ''];
        }),
      },
    },
  ];
}
