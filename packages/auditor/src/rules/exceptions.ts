/**
 * Of a row `e` of `processor.exception`: a person has it on the desk, or has written it off with a
 * reason that is on record. What it is about is known and decided, so it is no violation.
 */
export const IN_A_PERSONS_HANDS = `(e.resolved_at is null or e.resolved_as = 'WRITE_OFF')`;
