import { Counter, Gauge, Histogram, type Registry } from '@mini-pg/runtime';

export interface ProcessorMetrics {
  readonly calls: Counter<'pg' | 'operation' | 'result'>;
  readonly callSeconds: Histogram<'pg' | 'operation'>;
  readonly slotsInUse: Gauge<'pg' | 'use'>;
  readonly verdicts: Counter<'step' | 'decision'>;
  readonly configErrors: Counter<'pg'>;
  readonly openExceptions: Gauge<'kind'>;
  readonly openAttempts: Gauge<'state'>;
  readonly intake: Counter<'result'>;
  readonly cancelIntake: Counter<'result'>;
  readonly cancels: Counter<'state'>;
  readonly reversals: Counter<'state'>;
  readonly retries: Counter<'pg' | 'code' | 'result'>;
  readonly resolutions: Counter<'resolution' | 'result'>;
  readonly openCancels: Gauge<'state'>;
  readonly overdueCancels: Gauge<'state'>;
}

const CALL_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60];

export function createMetrics(registry: Registry): ProcessorMetrics {
  const registers = [registry];
  return {
    calls: new Counter({
      name: 'pg_calls_total',
      help: 'Calls to a PG by how they ended',
      labelNames: ['pg', 'operation', 'result'],
      registers,
    }),
    callSeconds: new Histogram({
      name: 'pg_call_seconds',
      help: 'How long a PG took to answer',
      labelNames: ['pg', 'operation'],
      buckets: CALL_SECONDS,
      registers,
    }),
    slotsInUse: new Gauge({
      name: 'pg_slots_in_use',
      help: 'Calls to a PG that are open in this process',
      labelNames: ['pg', 'use'],
      registers,
    }),
    verdicts: new Counter({
      name: 'attempt_verdicts_total',
      help: 'Decisions about attempts, by the step that led to them',
      labelNames: ['step', 'decision'],
      registers,
    }),
    configErrors: new Counter({
      name: 'pg_config_errors_total',
      help: 'Payments that failed because a PG refuses our account or is not set up; page somebody',
      labelNames: ['pg'],
      registers,
    }),
    openExceptions: new Gauge({
      name: 'open_exceptions',
      help: 'Attempts that wait for a person; alert above 0',
      labelNames: ['kind'],
      registers,
    }),
    openAttempts: new Gauge({
      name: 'open_attempts',
      help: 'Attempts that are not closed',
      labelNames: ['state'],
      registers,
    }),
    intake: new Counter({
      name: 'payment_requests_total',
      help: 'payment.requested events by what became of them',
      labelNames: ['result'],
      registers,
    }),
    cancelIntake: new Counter({
      name: 'cancel_requests_total',
      help: 'payment.cancel-requested events by what became of them',
      labelNames: ['result'],
      registers,
    }),
    cancels: new Counter({
      name: 'cancels_total',
      help: 'Cancels by the state that they have come to',
      labelNames: ['state'],
      registers,
    }),
    reversals: new Counter({
      name: 'reversals_total',
      help: 'Captures of payments that had failed, by how far their reversal is; alert when it rises',
      labelNames: ['state'],
      registers,
    }),
    retries: new Counter({
      name: 'pg_retries_total',
      help: 'Retries that asked for the budget of their PG, by the code they follow and its answer',
      labelNames: ['pg', 'code', 'result'],
      registers,
    }),
    resolutions: new Counter({
      name: 'exception_resolutions_total',
      help: 'What operators asked for about exceptions, by whether it was done',
      labelNames: ['resolution', 'result'],
      registers,
    }),
    openCancels: new Gauge({
      name: 'open_cancels',
      help: 'Cancels without an outcome',
      labelNames: ['state'],
      registers,
    }),
    overdueCancels: new Gauge({
      name: 'overdue_cancels',
      help: 'Cancels that wait or run for longer than 30 minutes; alert above 0',
      labelNames: ['state'],
      registers,
    }),
  };
}
