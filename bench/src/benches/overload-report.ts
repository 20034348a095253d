import type { LoadResult } from '../load/load-plan.ts';
import { figure, median, number } from '../report/figures.ts';
import type { Expectation, Report, Section } from '../report/report.ts';
import { type OverloadRun, TIMES_CAPACITY } from './overload-run.ts';

const MEBIBYTE = 2 ** 20;
const MS_PER_SECOND = 1_000;
/** The bound of a request's wait for its batch (2 s), and a second for the statement that writes it. */
const ACCEPTED_MAX_MS = 3_000;
const RESIDENT_MAX_MIB = 512;
const NORMAL_WITHIN_SECONDS = 10;
const TAKEN_OF_CAPACITY_MIN = 0.5;

export function overloadReport(runs: readonly OverloadRun[], minutes: number): Report {
  return {
    summary: [
      'The whole system, one process of each service, with its servers and the load generator ' +
        'beside it. First the capacity: a closed loop of 256 connections, answered 202 each. Then ' +
        `${minutes} min of an open loop at ${TIMES_CAPACITY} times that, over 4,096 connections. A ` +
        'request that is refused (503 with `Retry-After`; any other answer than that and 202 ends ' +
        'the bench) is sent again by a later arrival, with its key. An arrival that finds no free ' +
        'connection is late and is not sent.',
      'Payments are those of shoppers who have authenticated them. In the end each one that was ' +
        'taken has its outcome, and the auditor finds nothing, the ledger of the gateway included.',
    ],
    expectations: expectations(runs),
    sections: [taken(runs), times(runs), shed(runs), memory(runs), after(runs)],
  };
}

const secondsOf = (ms: number): number => ms / MS_PER_SECOND;

function expectations(runs: readonly OverloadRun[]): Expectation[] {
  const all = (of: (run: OverloadRun) => number) => runs.map(of);
  const slowest = all(({ load }) => load.latency.max);
  const peak = all(({ residentBytes }) => residentBytes.peak / MEBIBYTE);
  const share = all(({ load, capacityPerSecond }) => load.answersPerSecond / capacityPerSecond);
  const ready = all(({ readyAfterMs }) => secondsOf(readyAfterMs));
  const calm = all(({ calmAfterMs }) => secondsOf(calmAfterMs));
  const lost = all((run) => run.taken - run.final);
  const turned = runs.filter(({ turnedUnready }) => turnedUnready).length;
  return [
    atMost('taken and without an outcome in the end', lost, 0),
    atMost('slowest answer 202, ms', slowest, ACCEPTED_MAX_MS),
    atMost('resident memory at its peak, MiB', peak, RESIDENT_MAX_MIB),
    {
      what: 'taken under overload, of the capacity',
      wanted: `at least ${TAKEN_OF_CAPACITY_MIN}`,
      measured: figure(share),
      isMet: median(share) >= TAKEN_OF_CAPACITY_MIN,
    },
    {
      what: 'rounds in which `/health/ready` turned',
      wanted: number(runs.length),
      measured: number(turned),
      isMet: turned === runs.length,
    },
    atMost('ready again after, s', ready, NORMAL_WITHIN_SECONDS),
    atMost('answers as before after, s', calm, NORMAL_WITHIN_SECONDS),
  ];
}

/** Of the worst round: a bound is one for all of them. */
function atMost(what: string, values: readonly number[], most: number): Expectation {
  return {
    what,
    wanted: `at most ${number(most)}`,
    measured: figure(values),
    isMet: Math.max(...values) <= most,
  };
}

function taken(runs: readonly OverloadRun[]): Section {
  const perSecond = (of: (load: LoadResult) => number) => figure(runs.map(({ load }) => of(load)));
  const secondsOfLoad = ({ load }: OverloadRun) => load.answers / load.answersPerSecond;
  return {
    heading: 'What became of it',
    text: ['Requests a second.'],
    table: {
      columns: ['Capacity', 'offered', 'taken', 'refused', 'late'],
      rows: [
        [
          figure(runs.map(({ capacityPerSecond }) => capacityPerSecond)),
          figure(runs.map(({ offeredPerSecond }) => offeredPerSecond)),
          perSecond((load) => load.answersPerSecond),
          figure(runs.map((run) => run.load.refused / secondsOfLoad(run))),
          figure(runs.map((run) => run.load.late / secondsOfLoad(run))),
        ],
      ],
    },
  };
}

function times(runs: readonly OverloadRun[]): Section {
  const row = (name: string, of: (run: OverloadRun) => LoadResult['latency']) => [
    name,
    ...(['p50', 'p99', 'p999', 'max'] as const).map((percentile) =>
      figure(runs.map((run) => of(run)[percentile])),
    ),
  ];
  return {
    heading: 'How long an answer takes',
    text: ['From when each request was to be sent, in ms.'],
    table: {
      columns: ['Answer', 'p50', 'p99', 'p99.9', 'max'],
      rows: [row('202', ({ load }) => load.latency), row('503', ({ load }) => load.refusalLatency)],
    },
  };
}

function shed(runs: readonly OverloadRun[]): Section {
  const reasons = [...new Set(runs.flatMap((run) => Object.keys(run.shed)))].sort();
  return {
    heading: 'Why it was refused',
    text: ["Requests of a round by the service's own count, `shed_requests_total`."],
    table: {
      columns: ['Reason', 'requests'],
      rows: reasons.map((reason) => [
        `\`${reason}\``,
        figure(runs.map((run) => run.shed[reason] ?? 0)),
      ]),
    },
  };
}

function memory(runs: readonly OverloadRun[]): Section {
  const cell = (moment: keyof OverloadRun['residentBytes']) =>
    figure(runs.map(({ residentBytes }) => residentBytes[moment] / MEBIBYTE));
  return {
    heading: 'Resident memory of payment-api',
    text: ['In MiB; after is when the last payment has its outcome.'],
    table: {
      columns: ['Before', 'peak', 'after'],
      rows: [[cell('before'), cell('peak'), cell('after')]],
    },
  };
}

function after(runs: readonly OverloadRun[]): Section {
  const cell = (of: (run: OverloadRun) => number) => figure(runs.map(of));
  return {
    heading: 'Afterwards',
    text: [
      'Seconds from the end of the overload. Answers are as before once 50 requests a second have ' +
        'a p99 of at most twice what it was before, or 50 ms; payments that wait in Kafka are still ' +
        'being worked off then.',
    ],
    table: {
      columns: [
        'ready',
        'answers as before',
        'p99 before, ms',
        'p99 then, ms',
        'all final',
        'taken',
        'final',
      ],
      rows: [
        [
          cell(({ readyAfterMs }) => secondsOf(readyAfterMs)),
          cell(({ calmAfterMs }) => secondsOf(calmAfterMs)),
          cell(({ calmP99Ms }) => calmP99Ms.before),
          cell(({ calmP99Ms }) => calmP99Ms.after),
          cell(({ finalAfterMs }) => secondsOf(finalAfterMs)),
          cell((run) => run.taken),
          cell((run) => run.final),
        ],
      ],
    },
  };
}
