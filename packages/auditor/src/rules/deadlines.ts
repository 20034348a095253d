import { type Rule, sqlRule } from '../rule.ts';
import { hasOpenException, IS_ATTEMPT_WRITTEN_OFF, IS_OUTCOME_WRITTEN_OFF } from './exceptions.ts';

const SCHEMAS = ['payment', 'processor', 'settlement'] as const;

const HAS_OPEN_EXCEPTION = hasOpenException('x.payment_id');

/** An approval waits, uninquired, for the end of what is to undo it. */
const IS_BEING_UNDONE = `
  (x.operation = 'APPROVE'
   and exists (select from processor.attempt c
               where c.payment_id = x.payment_id and c.operation <> 'APPROVE'
                 and c.state in ('READY', 'CALLING', 'UNKNOWN')))`;

function ofEverySchema(query: (schema: string) => string): string {
  return SCHEMAS.map(query).join(' union all ');
}

export const DEADLINE_RULES: readonly Rule[] = [
  sqlRule({
    id: 'requested-in-time',
    statement: 'A payment has its outcome in time, or an open exception, or one that wrote it off.',
    checked: 'select count(*) from payment.payment',
    bounds: ['requestedMs'],
    violations: `
      select x.payment_id as "paymentId", x.requested_at as "requestedAt"
      from (select id as payment_id, requested_at from payment.payment) x
      where x.requested_at < now() - $1::interval
        and not exists (select from payment.payment_fact f
                        where f.payment_id = x.payment_id and f.kind in ('APPROVED', 'FAILED'))
        and not ${HAS_OPEN_EXCEPTION}
        and not ${IS_OUTCOME_WRITTEN_OFF}
      order by x.payment_id`,
  }),
  sqlRule({
    id: 'calls-end-in-time',
    statement:
      'No attempt stays in a call past its lease, and none stays ready past the expiry of its ' +
      'payment.',
    checked: 'select count(*) from processor.attempt',
    bounds: ['callingMs'],
    violations: `
      select x.id as "attemptId", x.payment_id as "paymentId", x.state,
             x.lease_until as "leaseUntil", x.expires_at as "expiresAt"
      from processor.attempt x
      where (x.state = 'CALLING' and x.lease_until < now() - $1::interval)
        or (x.state = 'READY'
            and coalesce(x.expires_at, x.next_attempt_at) < now() - $1::interval)
      order by x.id`,
  }),
  sqlRule({
    id: 'unknown-is-inquired',
    statement:
      'Every attempt of unknown result is inquired on its schedule, was written off itself, or ' +
      'its payment has an open exception; and so is one that closed without a definite answer.',
    checked: 'select count(*) from processor.attempt',
    bounds: ['unknownMs'],
    violations: `
      select x.id as "attemptId", x.payment_id as "paymentId", x.state,
             x.next_inquiry_at as "nextInquiryAt", x.next_follow_up_at as "nextFollowUpAt"
      from processor.attempt x
      where ((x.state = 'UNKNOWN'
              and (x.next_inquiry_at < now() - $1::interval
                   or (x.next_inquiry_at is null and not ${IS_BEING_UNDONE})))
             or x.next_follow_up_at < now() - $1::interval)
        and not ${HAS_OPEN_EXCEPTION}
        and not ${IS_ATTEMPT_WRITTEN_OFF}
      order by x.id`,
  }),
  sqlRule({
    id: 'outbox-flows',
    scope: 'whole',
    statement: 'No event waits in an outbox beyond its bound.',
    checked: `select ${SCHEMAS.length}`,
    bounds: ['outboxMs'],
    violations: ofEverySchema(
      (schema) => `
        select '${schema}' as schema, event_id as "eventId", topic, created_at as "createdAt"
        from ${schema}.outbox where created_at < now() - $1::interval`,
    ),
  }),
  sqlRule({
    id: 'no-dead-letters',
    scope: 'whole',
    statement: 'No event was given up: not in an outbox, and not as one of an unknown payment.',
    checked: `select ${SCHEMAS.length + 1}`,
    bounds: ['deliveryMs'],
    violations: `
      ${ofEverySchema(
        (schema) => `
          select '${schema}.outbox_dead' as "table", event_id as "eventId", topic, reason
          from ${schema}.outbox_dead`,
      )}
      union all
      select 'payment.parked_event', event_id, topic, reason
      from payment.parked_event where parked_at < now() - $1::interval`,
  }),
  sqlRule({
    id: 'close-ends-in-time',
    scope: 'whole',
    statement: 'A daily close that began has ended, and none has failed.',
    checked: 'select count(*) from settlement.settlement_run',
    bounds: ['closeMs'],
    violations: `
      select id as "runId", date, status, failure, started_at as "startedAt"
      from settlement.settlement_run
      where status = 'FAILED'
        or (status <> 'CLOSED' and started_at < now() - $1::interval)
      order by date`,
  }),
];
