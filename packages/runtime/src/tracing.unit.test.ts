import { describe, expect, it } from 'vitest';
import { idLowerBound, newId } from './ids.ts';
import { continueTrace, traceIdOf } from './tracing.ts';

const TRACE_ID = 'a'.repeat(32);
const PARENT = `00-${TRACE_ID}-${'b'.repeat(16)}-00`;

describe('a trace', () => {
  it('goes on with the same id, a span of its own and the same flags', () => {
    const trace = continueTrace(PARENT);
    expect(trace.traceId).toBe(TRACE_ID);
    expect(trace.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));
    expect(trace.traceparent).not.toBe(PARENT);
  });

  it.each([undefined, '', 'nonsense', `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`])(
    'starts anew from %s',
    (traceparent) => {
      const trace = continueTrace(traceparent);
      expect(traceIdOf(trace.traceparent)).toBe(trace.traceId);
      expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    },
  );
});

describe('an id', () => {
  it('is bounded by its time', () => {
    const before = idLowerBound(new Date(Date.now() - 1));
    const after = idLowerBound(new Date(Date.now() + 60_000));
    const id = newId();
    expect([after, id, before].sort()).toEqual([before, id, after]);
  });
});
