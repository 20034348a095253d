import { Counter, Gauge, Histogram, type Registry } from '@mini-pg/runtime';
import { WATCHED_RULES } from './pass.ts';

const PASS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface WatchMetrics {
  readonly openProblems: Gauge<'rule'>;
  readonly passes: Counter<'outcome'>;
  readonly lastPass: Gauge;
  readonly passSeconds: Histogram;
  readonly rows: Counter;
  readonly rounds: Counter<'lane'>;
}

/** Each rule has its series from the start: 0 is a statement too. */
export function createWatchMetrics(registry: Registry): WatchMetrics {
  const registers = [registry];
  const openProblems = new Gauge({
    name: 'auditor_open_problems',
    help: 'Violations that were found and are still there; alert above 0',
    labelNames: ['rule'],
    registers,
  });
  for (const { id } of WATCHED_RULES) openProblems.set({ rule: id }, 0);
  return {
    openProblems,
    passes: new Counter({
      name: 'auditor_passes_total',
      help: 'Passes that ended; alert when those of the outcome done stand still',
      labelNames: ['outcome'],
      registers,
    }),
    lastPass: new Gauge({
      name: 'auditor_last_pass_timestamp_seconds',
      help: 'When a pass was last done; alert when it is minutes old',
      registers,
    }),
    passSeconds: new Histogram({
      name: 'auditor_pass_seconds',
      help: 'Time of a pass that was done',
      buckets: PASS_SECONDS,
      registers,
    }),
    rows: new Counter({
      name: 'auditor_rows_total',
      help: 'Rows that the slices of passes held',
      registers,
    }),
    rounds: new Counter({
      name: 'auditor_rounds_total',
      help: 'Rounds over all that is stored',
      labelNames: ['lane'],
      registers,
    }),
  };
}
