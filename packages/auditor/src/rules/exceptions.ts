/** Of a row `e` of `processor.exception`: a person has it on the desk. */
export const IS_OPEN = 'e.resolved_at is null';

/** A person has written it off: the money stays as it was then, with a reason that is on record. */
const IS_WRITTEN_OFF = `e.resolved_at is not null and e.resolved_as = 'WRITE_OFF'`;

/** A person has written it off, or had the money given back that it was about. */
const IS_DECIDED = `e.resolved_at is not null and e.resolved_as in ('WRITE_OFF', 'CANCEL')`;

/** The payment of `id` has an exception that waits for a person. */
export function hasOpenException(paymentId: string): string {
  return `
    exists (select from processor.exception e where e.payment_id = ${paymentId} and ${IS_OPEN})`;
}

/**
 * An attempt `x` was written off: it, or what was to undo it. Another attempt of the same payment
 * was not, so it has to be looked after like any other.
 */
export const IS_ATTEMPT_WRITTEN_OFF = `
  exists (select from processor.exception e
          join processor.attempt t on t.id = e.attempt_id
          where e.payment_id = x.payment_id and ${IS_WRITTEN_OFF}
            and (t.id = x.id or t.reverses_id = x.id))`;

/** A cancel `c` was written off: one of its own attempts. */
export const IS_CANCEL_WRITTEN_OFF = `
  exists (select from processor.exception e
          join processor.attempt t on t.id = e.attempt_id
          where e.payment_id = c.payment_id and ${IS_WRITTEN_OFF} and t.cancel_id = c.id)`;

/**
 * What a payment waited for was written off: its outcome, of which no attempt has been made since.
 * An exception of one of its cancels says nothing of that.
 */
export const IS_OUTCOME_WRITTEN_OFF = `
  exists (select from processor.exception e
          join processor.attempt t on t.id = e.attempt_id
          where e.payment_id = x.payment_id and ${IS_WRITTEN_OFF} and t.cancel_id is null
            and not exists (select from processor.attempt later
                            where later.payment_id = x.payment_id and later.operation = 'APPROVE'
                              and later.created_at > e.resolved_at))`;

/** How far the decision of an exception `e` of an attempt `t` reaches to an approval `a`. */
const REACHES_APPROVAL = `
  a.payment_id = e.payment_id and a.operation = 'APPROVE' and a.source_key is not null
  and t.cancel_id is null
  and (t.id = a.id or t.reverses_id = a.id
       or (t.operation = 'CANCEL' and t.reverses_id is null))`;

function decided(condition: string, reaches: string): string {
  return `
    select a.pg, a.source_key, max(e.resolved_at) as until
    from processor.exception e
    join processor.attempt t on t.id = e.attempt_id
    join processor.attempt a on ${reaches}
    where ${condition}
    group by a.pg, a.source_key`;
}

/** Sources about whose captures a person has decided; money that moved after `until` is not meant. */
export const CAPTURES_DECIDED = decided(IS_DECIDED, REACHES_APPROVAL);

/** Sources whose money was left at the gateway as it was at `until`. */
export const CAPTURES_WRITTEN_OFF = decided(IS_WRITTEN_OFF, REACHES_APPROVAL);

/** Sources about whose cancels a person has decided; what was given back after `until` is not meant. */
export const REFUNDS_DECIDED = decided(
  IS_DECIDED,
  `a.payment_id = e.payment_id and a.operation = 'APPROVE' and a.source_key is not null`,
);
