/** What a request that waits for a cancel is known by, among those that wait for payments. */
export function cancelWaitId(paymentId: string, cancelId: string): string {
  return `${paymentId}/${cancelId}`;
}

/** The cancel of such an id; null for the id of a payment. */
export function cancelOfWaitId(waitId: string): { paymentId: string; cancelId: string } | null {
  const [paymentId, cancelId] = waitId.split('/');
  return paymentId === undefined || cancelId === undefined ? null : { paymentId, cancelId };
}
