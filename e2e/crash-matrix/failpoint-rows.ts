import { FAILPOINTS, type FailpointName } from '@mini-pg/runtime';
import type { TriggerName } from './triggers.ts';

/** The services that are killed; the simulator keeps the truth about money and is left alone. */
export const KILLED_SERVICES = ['payment-api', 'pg-processor', 'settlement-worker'] as const;
export type KilledService = (typeof KILLED_SERVICES)[number];

/** One step of one service at which it dies. */
export interface FailpointRow {
  readonly service: KilledService;
  readonly failpoint: FailpointName;
  /** What the step stands for. */
  readonly sentence: string;
  readonly trigger: TriggerName;
  /** The how manieth time; later ones catch a service at work. */
  readonly hit: number;
}

interface Way {
  /** What brings a service to the step, beside the payments that run all the time. */
  readonly trigger?: TriggerName;
  readonly hit?: number;
}

/** A step that payments alone lead to. */
const PAYMENTS: Way = {};

/** How each step is reached. A failpoint that has no entry here does not compile. */
const WAYS: Record<FailpointName, Way> = {
  'payment-api.marker.before-set': { hit: 5 },
  'payment-api.marker.after-set': { hit: 5 },
  'payment-api.marker.before-release': PAYMENTS,
  'payment-api.marker.after-release': PAYMENTS,
  'payment-api.intake.before-commit': { hit: 5 },
  'payment-api.intake.after-commit': { hit: 5 },
  'payment-api.intake.before-answer': { hit: 5 },
  'payment-api.cancel.before-commit': { hit: 2 },
  'payment-api.cancel.after-commit': { hit: 2 },
  'payment-api.answer.before-fix': PAYMENTS,
  'payment-api.answer.after-fix': PAYMENTS,
  'payment-api.answer.before-cache': { hit: 5 },
  'payment-api.answer.after-cache': { hit: 5 },
  'payment-api.projection.before-commit': { hit: 2 },
  'payment-api.projection.after-commit': { hit: 2 },
  'payment-api.status-cache.before-fill': { hit: 2 },
  'payment-api.status-cache.before-write': { hit: 2 },
  'payment-api.status-cache.after-write': { hit: 2 },
  'payment-api.wake.before-publish': PAYMENTS,
  'payment-api.wake.after-publish': PAYMENTS,
  'payment-api.parked.after-claim': { trigger: 'parked' },
  'payment-api.parked.before-delete': { trigger: 'parked' },
  'payment-api.parked.after-delete': { trigger: 'parked' },
  'payment-api.re-emit.before-commit': { trigger: 'hour-ahead' },
  'payment-api.re-emit.after-commit': { trigger: 'hour-ahead' },
  'payment-api.cancel-re-emit.before-commit': { trigger: 'hour-ahead' },
  'payment-api.cancel-re-emit.after-commit': { trigger: 'hour-ahead' },
  'payment-api.settlements.before-commit': { trigger: 'close' },
  'payment-api.settlements.after-commit': { trigger: 'close' },
  'payment-api.settlements.before-complete': { trigger: 'close' },
  'payment-api.settlements.after-complete': { trigger: 'close' },
  'payment-api.merchant.before-commit': { trigger: 'merchant' },
  'payment-api.merchant.after-commit': { trigger: 'merchant' },

  'pg-processor.intake.before-commit': { hit: 2 },
  'pg-processor.intake.after-commit': { hit: 2 },
  'pg-processor.cancels.before-commit': PAYMENTS,
  'pg-processor.cancels.after-commit': PAYMENTS,
  'pg-processor.cancel-start.before-commit': PAYMENTS,
  'pg-processor.cancel-start.after-commit': PAYMENTS,
  'pg-processor.merchants.before-commit': { trigger: 'merchant' },
  'pg-processor.merchants.after-commit': { trigger: 'merchant' },
  'pg-processor.claim.before-commit': { hit: 20 },
  'pg-processor.claim.after-commit': { hit: 2 },
  'pg-processor.call.before-send': { hit: 3 },
  'pg-processor.call.after-answer': { hit: 3 },
  'pg-processor.cancel.before-send': PAYMENTS,
  'pg-processor.cancel.after-answer': PAYMENTS,
  'pg-processor.http.sent': { hit: 3 },
  'pg-processor.http.answered': { hit: 3 },
  'pg-processor.results.before-commit': { hit: 3 },
  'pg-processor.results.after-commit': { hit: 3 },
  'pg-processor.retries.before-commit': PAYMENTS,
  'pg-processor.retries.after-commit': PAYMENTS,
  'pg-processor.repairs.before-claim': { hit: 10 },
  'pg-processor.repairs.after-claim': PAYMENTS,
  'pg-processor.inquiry.before-send': PAYMENTS,
  'pg-processor.inquiry.after-answer': PAYMENTS,
  'pg-processor.resend.before-commit': PAYMENTS,
  'pg-processor.resend.after-commit': PAYMENTS,
  'pg-processor.resend.after-answer': PAYMENTS,
  'pg-processor.follow-up.before-send': PAYMENTS,
  'pg-processor.follow-up.after-answer': PAYMENTS,
  'pg-processor.sweep.before-record': { trigger: 'lost-leases' },

  'settlement-worker.facts.before-commit': { hit: 2 },
  'settlement-worker.facts.after-commit': { hit: 2 },
  'settlement-worker.close.run-started': { trigger: 'close-dies' },
  'settlement-worker.close.facts-counted': { trigger: 'close-dies' },
  'settlement-worker.close.items-written': { trigger: 'close-dies' },
  'settlement-worker.close.itemized': { trigger: 'close-dies' },
  'settlement-worker.close.statements-written': { trigger: 'close-dies' },
  'settlement-worker.close.stated': { trigger: 'close-dies' },
  'settlement-worker.close.totals-written': { trigger: 'close-dies' },
  'settlement-worker.close.agreed': { trigger: 'close-dies' },
  'settlement-worker.close.batch-written': { trigger: 'close-dies' },
  'settlement-worker.close.batch-published': { trigger: 'close-dies' },
  'settlement-worker.close.end-written': { trigger: 'close-dies' },
  'settlement-worker.close.closed': { trigger: 'close-dies' },

  'relay.before-publish': PAYMENTS,
  'relay.before-delete': PAYMENTS,
  'relay.after-delete': PAYMENTS,
  'relay.before-dead': { trigger: 'dead-row' },
  'relay.after-dead': { trigger: 'dead-row' },
  'producer.enqueued': PAYMENTS,
  'producer.reported': PAYMENTS,
  'consumer.before-handle': { hit: 2 },
  'consumer.before-offset-store': { hit: 2 },
  'consumer.after-offset-store': { hit: 2 },
  'consumer.before-offset-commit': { trigger: 'stop' },
  'consumer.after-offset-commit': { trigger: 'stop' },
  'dead-letter.before-publish': { trigger: 'poison' },
  'dead-letter.after-publish': { trigger: 'poison' },
};

/** Only a close makes the settlement-worker publish. */
const BY_CLOSE = /^(?:relay\.(?!.*dead)|producer\.)/;

/** A row for each step of each service; a step that all services share has one for each. */
export const FAILPOINT_ROWS: readonly FailpointRow[] = KILLED_SERVICES.flatMap((service) =>
  Object.entries({ ...FAILPOINTS[service], ...FAILPOINTS.every }).map(([name, sentence]) => {
    const failpoint = name as FailpointName;
    const { trigger = 'payments', hit = 1 } = WAYS[failpoint];
    const needsClose = service === 'settlement-worker' && BY_CLOSE.test(failpoint);
    return { service, failpoint, sentence, trigger: needsClose ? 'close' : trigger, hit };
  }),
);

/** What a row is called on the command line and in the table. */
export function nameOfRow({ service, failpoint }: FailpointRow): string {
  return failpoint.startsWith(`${service}.`) ? failpoint : `${service}: ${failpoint}`;
}
