/** How long something may be on its way before its absence breaks a rule. Milliseconds. */
export interface AuditBounds {
  /** From a committed fact to its effect in another schema: outbox, Kafka, consumer. */
  readonly deliveryMs: number;
  /** From a request to its outcome or to an exception that a person looks after. */
  readonly requestedMs: number;
  /** Past its lease, until a call counts as unknown. */
  readonly callingMs: number;
  /** Past the time at which an unknown result was to be inquired. */
  readonly unknownMs: number;
  /** The age of an outbox row; intake stops at the same age. */
  readonly outboxMs: number;
  /** From a capture at the gateway to an attempt that knows of it. */
  readonly captureMs: number;
  /** From the start of a daily close to its end. */
  readonly closeMs: number;
}

const MINUTE_MS = 60_000;

/**
 * For a system at work: payments expire after 10 minutes, and the last inquiry of the usual
 * schedule comes another 10 minutes later.
 */
export const DEFAULT_BOUNDS: AuditBounds = {
  deliveryMs: 5 * MINUTE_MS,
  requestedMs: 30 * MINUTE_MS,
  callingMs: 2 * MINUTE_MS,
  unknownMs: 5 * MINUTE_MS,
  outboxMs: 5 * MINUTE_MS,
  captureMs: 5 * MINUTE_MS,
  closeMs: 60 * MINUTE_MS,
};

/** The same bound for everything: for a system at rest, where nothing is on its way. */
export function boundsOf(boundMs: number): AuditBounds {
  return {
    deliveryMs: boundMs,
    requestedMs: boundMs,
    callingMs: boundMs,
    unknownMs: boundMs,
    outboxMs: boundMs,
    captureMs: boundMs,
    closeMs: boundMs,
  };
}
