import { pooledRandomBytes } from './random.ts';

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = '01';

export interface TraceContext {
  readonly traceId: string;
  readonly traceparent: string;
}

/** Continues the caller's trace when its `traceparent` is well formed, else starts a new one. */
export function continueTrace(traceparent: string | undefined): TraceContext {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  const traceId = match?.[1] ?? newTraceId();
  const spanId = pooledRandomBytes(8).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${spanId}-${match?.[3] ?? SAMPLED}` };
}

/** The trace id of a `traceparent`, or null when it has none. */
export function traceIdOf(traceparent: string | undefined): string | null {
  return (traceparent === undefined ? null : TRACEPARENT.exec(traceparent)?.[1]) ?? null;
}

function newTraceId(): string {
  return pooledRandomBytes(16).toString('hex');
}
