import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '@mini-pg/local-stack';
import type { Bench } from '../bench.ts';
import { figure, median, number } from '../report/figures.ts';
import type { Expectation, Measure, Report } from '../report/report.ts';
import { auditAtRest } from '../system/audit.ts';
import { registerMerchants } from '../system/merchants.ts';
import { pay, type Shops } from '../system/pay.ts';
import { residentBytesOf } from '../system/processes.ts';
import { startForBench } from '../system/start.ts';

const IDLE_MS = 10_000;
const SAMPLE_EVERY_MS = 1_000;
const PAYMENTS_PER_SECOND = 200;
const CONNECTIONS = 256;
const MERCHANTS = 16;
/** The shopper has ten minutes in the window, so windows are opened a minute at a time. */
const MINUTE_MS = 60_000;
const MEBIBYTE = 2 ** 20;
const IDLE_MAX_MIB = 150;
const LOADED_MAX_MIB = 250;
/** What the last quarter may be above the second one and still be called flat. */
const GROWTH_MAX = 1.1;

/** The simulator keeps every payment on purpose, so it is no service to look at. */
const SERVICES = ['payment-api', 'pg-processor', 'settlement-worker'] as const;
type Samples = Record<(typeof SERVICES)[number], number[]>;

export const memory: Bench = {
  name: 'memory',
  describe: 'Resident memory of each service, idle and under load.',
  async run(context): Promise<Report> {
    const system = await startForBench(context);
    const merchants = await registerMerchants(system, MERCHANTS);
    const idle = await sampleWhile(system, sleep(IDLE_MS));
    const loaded = await sampleWhile(system, keepPaying({ context, system, merchants }));
    await auditAtRest(context.subject, system);
    return reportOf(context.settings.minutes, idle, loaded);
  },
};

async function keepPaying(shops: Shops): Promise<void> {
  const { settings, log } = shops.context;
  for (let minute = 1; minute <= settings.minutes; minute += 1) {
    await pay(shops, {
      runId: `m${minute}`,
      connections: CONNECTIONS,
      ratePerSecond: PAYMENTS_PER_SECOND,
      warmupMs: 0,
      durationMs: MINUTE_MS,
      payments: (PAYMENTS_PER_SECOND * MINUTE_MS) / 1_000 + 1,
    });
    log(`minute ${minute} of ${settings.minutes}`);
  }
}

/** Mebibytes a second, for as long as the work lasts. */
async function sampleWhile(system: System, work: Promise<unknown>): Promise<Samples> {
  const samples: Samples = { 'payment-api': [], 'pg-processor': [], 'settlement-worker': [] };
  const timer = setInterval(() => {
    for (const name of SERVICES) {
      const { pid } = system.service(name);
      if (pid !== undefined) samples[name].push(residentBytesOf(pid) / MEBIBYTE);
    }
  }, SAMPLE_EVERY_MS);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  return samples;
}

const greatest = (values: readonly number[]): number => Math.max(...values);

function quarter(values: readonly number[], index: number): readonly number[] {
  const size = Math.ceil(values.length / 4);
  return values.slice(index * size, (index + 1) * size);
}

/** The median of the last quarter over that of the second: the first one warms up. */
function growthOf(values: readonly number[]): number {
  return median(quarter(values, 3)) / median(quarter(values, 1));
}

function reportOf(minutes: number, idle: Samples, loaded: Samples): Report {
  return {
    summary: [
      `Each service as one process of a whole system, sampled once a second: ${IDLE_MS / 1_000} s ` +
        `without a request, then ${minutes} min of ${PAYMENTS_PER_SECOND} payments/s, each from ` +
        'POST to APPROVED. Resident memory in MiB. At the end the auditor finds nothing. ' +
        '`-- --minutes 10` is the length that flatness is claimed for.',
    ],
    rounds: 1,
    expectations: SERVICES.flatMap((name) => [
      below(`${name}, idle`, greatest(idle[name]), IDLE_MAX_MIB),
      below(`${name}, under load`, greatest(loaded[name]), LOADED_MAX_MIB),
      {
        what: `${name}: last quarter of the load over the second`,
        wanted: `at most ${GROWTH_MAX} (flat)`,
        measured: number(growthOf(loaded[name])),
        isMet: growthOf(loaded[name]) <= GROWTH_MAX,
      },
    ]),
    measures: SERVICES.flatMap((name): Measure[] => [
      { what: `${name}, idle: MiB`, value: greatest(idle[name]), better: 'lower' },
      { what: `${name}, under load: MiB`, value: greatest(loaded[name]), better: 'lower' },
    ]),
    sections: [
      {
        heading: 'Resident memory',
        text: ['Median of the samples with least and greatest.'],
        table: {
          columns: ['Service', 'idle', 'load, 1st quarter', '2nd', '3rd', '4th'],
          rows: SERVICES.map((name) => [
            name,
            figure(idle[name]),
            ...[0, 1, 2, 3].map((index) => figure(quarter(loaded[name], index))),
          ]),
        },
      },
    ],
  };
}

function below(what: string, mebibytes: number, most: number): Expectation {
  return {
    what,
    wanted: `below ${most} MiB`,
    measured: `${number(mebibytes)} MiB`,
    isMet: mebibytes < most,
  };
}
