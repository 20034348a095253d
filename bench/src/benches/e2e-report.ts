import type { LoadResult } from '../load/load-plan.ts';
import { figure, median, ratios } from '../report/figures.ts';
import type { Expectation, Measure, Report, Section } from '../report/report.ts';
import { type FlowRun, GATEWAY_LATENCIES_MS, LONE_PER_SECOND, type LoneRun } from './e2e-run.ts';

const SLOW_OF_FAST_MIN = 0.8;
const LONE_MAX_MS = 60;
/** Whole flows a second: a tuned Spring Boot + JPA service, which may lose outcomes in a crash. */
const PEER_PER_SECOND = 901;
const KILL_BILL_PER_SECOND = 267;
const OVER_PEER_MIN = 3;

export function e2eReport(flows: readonly FlowRun[][], lone: readonly LoneRun[]): Report {
  return {
    summary: [
      'The whole system: payment-api, pg-processor, settlement-worker and the simulated gateway, ' +
        'one process each, with Postgres (durable commits), Redis and Kafka, and the load ' +
        'generator beside them. Each request is a payment of its own that the shopper has ' +
        'authenticated, sent with `Prefer: wait`, and answered 201 once its outcome is projected: ' +
        'its time is from POST to APPROVED as the merchant sees it. Any other answer than 201, or ' +
        '202 for a payment that is not final in 30 s, ends the bench. After each run the auditor ' +
        'finds nothing, the ledger of the gateway included.',
    ],
    expectations: expectations(flows, lone),
    measures: measures(flows, lone),
    sections: [sustained(flows), below(flows), loneSteps(lone), processorTime(flows)],
  };
}

const perSecond = (runs: readonly FlowRun[] = []) =>
  runs.map(({ finalPerSecond }) => finalPerSecond);

const notFinal = ({ statuses }: LoadResult) => statuses['202'] ?? 0;

function expectations(flows: readonly FlowRun[][], lone: readonly LoneRun[]): Expectation[] {
  const [fast, slow] = flows.map(perSecond);
  const slowOfFast = ratios(slow ?? [], fast ?? []);
  const overPeer = (fast ?? []).map((rate) => rate / PEER_PER_SECOND);
  const loneMs = lone.map(({ load }) => load.latency.p50);
  return [
    {
      what: 'payments/s with a gateway of 200 ms, of those with one that answers at once',
      wanted: `at least ${SLOW_OF_FAST_MIN}`,
      measured: figure(slowOfFast),
      isMet: median(slowOfFast) >= SLOW_OF_FAST_MIN,
    },
    {
      what: `a lone payment, ${LONE_PER_SECOND} a second: median above the gateway's own time`,
      wanted: `below ${LONE_MAX_MS} ms`,
      measured: `${figure(loneMs)} ms`,
      isMet: median(loneMs) < LONE_MAX_MS,
    },
    {
      what: `over the peer's ${PEER_PER_SECOND} whole flows/s (Kill Bill: ${KILL_BILL_PER_SECOND})`,
      wanted: `at least ${OVER_PEER_MIN}`,
      measured: figure(overPeer),
      isMet: median(overPeer) >= OVER_PEER_MIN,
    },
  ];
}

function measures(flows: readonly FlowRun[][], lone: readonly LoneRun[]): Measure[] {
  return [
    ...flows.flatMap((runs, index): Measure[] => [
      {
        what: `gateway of ${nameOf(index)}: payments/s`,
        value: median(perSecond(runs)),
        better: 'higher',
      },
      {
        what: `gateway of ${nameOf(index)}, at 70 %: p99 to final, ms`,
        value: median(runs.map(({ open }) => open.latency.p99)),
        better: 'lower',
      },
    ]),
    {
      what: 'a lone payment: p50 to final, ms',
      value: median(lone.map(({ load }) => load.latency.p50)),
      better: 'lower',
    },
  ];
}

const nameOf = (index: number) => `${GATEWAY_LATENCIES_MS[index]} ms`;

function sustained(flows: readonly FlowRun[][]): Section {
  return {
    heading: 'As many as it takes',
    text: ['Closed loop, 1,024 payments in flight. Time to final in ms.'],
    table: {
      columns: ['Gateway takes', 'payments/s', 'p50', 'p99', 'not final in 30 s'],
      rows: flows.map((runs, index) => [
        nameOf(index),
        figure(perSecond(runs)),
        figure(runs.map(({ closed }) => closed.latency.p50)),
        figure(runs.map(({ closed }) => closed.latency.p99)),
        figure(runs.map(({ closed }) => notFinal(closed))),
      ]),
    },
  };
}

function below(flows: readonly FlowRun[][]): Section {
  return {
    heading: 'At 70 % of that',
    text: [
      'Open loop: payments arrive at a constant rate, times from when each was to be sent. ' +
        'Time to final in ms.',
    ],
    table: {
      columns: ['Gateway takes', 'payments/s', 'p50', 'p99', 'p99.9', 'not final in 30 s'],
      rows: flows.map((runs, index) => [
        nameOf(index),
        figure(runs.map(({ ratePerSecond }) => ratePerSecond)),
        figure(runs.map(({ open }) => open.latency.p50)),
        figure(runs.map(({ open }) => open.latency.p99)),
        figure(runs.map(({ open }) => open.latency.p999)),
        figure(runs.map(({ open }) => notFinal(open))),
      ]),
    },
  };
}

function loneSteps(lone: readonly LoneRun[]): Section {
  const steps = lone[0]?.steps.map(({ name }) => name) ?? [];
  const medians = (index: number) => lone.map((run) => run.steps[index]?.medianMs ?? Number.NaN);
  const last = steps.length - 1;
  const answered = lone.map(({ load }, run) => load.latency.p50 - (medians(last)[run] ?? 0));
  return {
    heading: 'Where a lone payment spends its time',
    text: [
      `Open loop, ${LONE_PER_SECOND} payments a second, a gateway that answers at once. Medians of ` +
        'each step in ms, by the times in the rows; the answer is what is left of the median ' +
        'that the merchant sees, the way in and the way out.',
    ],
    table: {
      columns: ['Step', 'ms'],
      rows: [
        ...steps.map((name, index) => [name, figure(medians(index))]),
        ['fact stored to answer read, and the way in', figure(answered)],
        ['POST to APPROVED, p50', figure(lone.map(({ load }) => load.latency.p50))],
        ['POST to APPROVED, p99', figure(lone.map(({ load }) => load.latency.p99))],
      ],
    },
  };
}

const PROCESSES = [
  'payment-api',
  'pg-processor',
  'settlement-worker',
  'pg-simulator',
  'Postgres',
  'Redis',
  'Kafka',
];

function processorTime(flows: readonly FlowRun[][]): Section {
  const each = (run: FlowRun, name: string) => {
    const micros = run.cpu[name];
    return micros === undefined ? [] : [micros / run.closed.answers];
  };
  return {
    heading: 'Where the processor time goes',
    text: ['Closed loop, user and system time by process, in microseconds a payment.'],
    table: {
      columns: ['Process', ...flows.map((_, index) => `gateway ${nameOf(index)}`)],
      rows: [
        ...PROCESSES.map((name) => [
          name,
          ...flows.map((runs) => {
            const values = runs.flatMap((run) => each(run, name));
            return values.length === 0 ? '' : figure(values);
          }),
        ]),
        [
          'generator',
          ...flows.map((runs) =>
            figure(runs.map(({ closed }) => closed.cpuMicros / closed.answers)),
          ),
        ],
      ],
    },
  };
}
