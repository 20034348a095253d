import type { LoadResult } from '../load/load-plan.ts';
import { figure, median, number, ratios } from '../report/figures.ts';
import type { Expectation, Measure, Report, Section } from '../report/report.ts';
import { CONTENDERS, type Contender, type IntakeRun, type IntakeRuns } from './intake-run.ts';

const OVER_INSERTS_MIN = 2;
const OF_BARE_MIN = 0.35;
/** A tuned Spring Boot + JPA service on two cores, its load generator on them too. */
const PEER_PER_SECOND = 1_694;
const PEER_P99_MS = 116;
const OVER_PEER_MIN = 5;

export function intakeReport(runs: IntakeRuns): Report {
  return {
    summary: [
      'Three servers under the same load, one at a time and in turn, each started anew for each ' +
        'run: the **bare route** is Fastify and zod, which parse, validate and answer; **insert ' +
        'per request** is payment-api with batches of one row, eight statements at once, on the ' +
        'same tables; **payment-api** is the service as it ships. 64 connections, 16 merchants, ' +
        '5 % of the requests repeat an earlier one and must be answered as replays. Any other ' +
        'status than 202 ends the bench.',
      'Beside the two services run Postgres (durable commits), Redis, and Kafka, to which their ' +
        'relay publishes while they are measured; no consumer runs. The load generator runs on ' +
        'the same machine. After each run the auditor finds nothing, and the tables are emptied.',
    ],
    expectations: expectations(runs),
    measures: measures(runs),
    sections: [closedLoop(runs), openLoop(runs), processorTime(runs), peers(runs)],
  };
}

const perSecond = (runs: readonly IntakeRun[]) => runs.map(({ closed }) => closed.answersPerSecond);

function expectations(runs: IntakeRuns): Expectation[] {
  const real = perSecond(runs['payment-api']);
  const overInserts = ratios(real, perSecond(runs['insert per request']));
  const ofBare = ratios(real, perSecond(runs['bare route']));
  const overPeer = real.map((value) => value / PEER_PER_SECOND);
  return [
    atLeast('payment-api over insert per request', overInserts, OVER_INSERTS_MIN),
    atLeast('payment-api of the bare route', ofBare, OF_BARE_MIN),
    atLeast(`over the peer's ${number(PEER_PER_SECOND)} requests/s`, overPeer, OVER_PEER_MIN),
  ];
}

/** The bare route is the same for both commits: what it differs by is the machine. */
function measures(runs: IntakeRuns): Measure[] {
  return [
    ...CONTENDERS.map(
      (name): Measure => ({
        what: `${name}: requests/s`,
        value: median(perSecond(runs[name])),
        better: 'higher',
      }),
    ),
    {
      what: 'payment-api, at 70 %: p99, ms',
      value: median(runs['payment-api'].map(({ open }) => open.latency.p99)),
      better: 'lower',
    },
    {
      what: 'payment-api: its processor time a request, microseconds',
      value: median(
        runs['payment-api'].map(({ cpu, closed }) => (cpu.server ?? 0) / closed.answers),
      ),
      better: 'lower',
    },
  ];
}

function atLeast(what: string, values: readonly number[], least: number): Expectation {
  return {
    what,
    wanted: `at least ${least}`,
    measured: figure(values),
    isMet: median(values) >= least,
  };
}

function closedLoop(runs: IntakeRuns): Section {
  return {
    heading: 'As fast as it goes',
    text: ['Closed loop: a connection sends its next request when it has its answer. ms.'],
    table: {
      columns: ['Server', 'requests/s', 'p50', 'p99', 'p99.9', 'events left to publish'],
      rows: CONTENDERS.map((name) => [
        name,
        figure(perSecond(runs[name])),
        ...latencies(runs[name].map(({ closed }) => closed)),
        figure(runs[name].map(({ outboxAtEnd }) => outboxAtEnd)),
      ]),
    },
  };
}

function openLoop(runs: IntakeRuns): Section {
  return {
    heading: 'At 70 % of that',
    text: [
      'Open loop: requests arrive at a constant rate, 70 % of what the same run reached. A time ' +
        'is counted from when its request was to be sent, so waiting for a free connection is ' +
        'part of it (no coordinated omission). ms.',
    ],
    table: {
      columns: ['Server', 'requests/s', 'p50', 'p99', 'p99.9', 'max'],
      rows: CONTENDERS.map((name) => {
        const open = runs[name].map((run) => run.open);
        return [
          name,
          figure(runs[name].map(({ ratePerSecond }) => ratePerSecond)),
          ...latencies(open),
          figure(open.map(({ latency }) => latency.max)),
        ];
      }),
    },
  };
}

function latencies(results: readonly LoadResult[]): string[] {
  return (['p50', 'p99', 'p999'] as const).map((percentile) =>
    figure(results.map(({ latency }) => latency[percentile])),
  );
}

const PROCESSES = ['server', 'Postgres', 'Redis', 'Kafka'] as const;

function processorTime(runs: IntakeRuns): Section {
  const each = (run: IntakeRun, micros: number | undefined) =>
    micros === undefined ? [] : [micros / run.closed.answers];
  const cell = (values: readonly number[]) => (values.length === 0 ? '' : figure(values));
  return {
    heading: 'Where the processor time goes',
    text: ['Closed loop, user and system time by process, in microseconds a request.'],
    table: {
      columns: ['Server', ...PROCESSES, 'generator'],
      rows: CONTENDERS.map((name) => [
        name,
        ...PROCESSES.map((process) =>
          cell(runs[name].flatMap((run) => each(run, run.cpu[process]))),
        ),
        cell(runs[name].flatMap((run) => each(run, run.closed.cpuMicros))),
      ]),
    },
  };
}

function peers(runs: IntakeRuns): Section {
  const real: Contender = 'payment-api';
  const open = runs[real].map((run) => run.open.latency.p99);
  return {
    heading: 'Beside a peer',
    text: [
      'What a user would pick instead, measured elsewhere on two cores with the load generator on ' +
        'them: a tuned Spring Boot + JPA service.',
    ],
    table: {
      columns: ['', 'requests/s', 'p99, ms'],
      rows: [
        ['Spring Boot + JPA', number(PEER_PER_SECOND), number(PEER_P99_MS)],
        [
          `${real}, closed loop`,
          figure(perSecond(runs[real])),
          figure(runs[real].map((run) => run.closed.latency.p99)),
        ],
        [`${real}, at 70 %`, figure(runs[real].map((run) => run.ratePerSecond)), figure(open)],
      ],
    },
  };
}
