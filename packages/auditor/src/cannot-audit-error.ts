/** The audit could not be made, which says nothing of the books; the message tells how to mend it. */
export class CannotAuditError extends Error {
  override readonly name = 'CannotAuditError';
}
