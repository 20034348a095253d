import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseMs, sendUntilMs } from './lease.ts';

const LOCAL = { connectTimeoutMs: 2_000, readTimeoutMs: 5_000 };

describe('a lease', () => {
  it('covers the start, the connection, the answer and the record of one call', () => {
    expect(leaseMs(LOCAL)).toBe(17_000);
  });

  it('lets bytes go only while the whole answer still fits into it', () => {
    const time = fc.integer({ min: 1, max: 120_000 });
    fc.assert(
      fc.property(time, time, time, (connectTimeoutMs, readTimeoutMs, readAtMs) => {
        const timeouts = { connectTimeoutMs, readTimeoutMs };
        const lease = leaseMs(timeouts);
        const untilMs = sendUntilMs(readAtMs, lease, timeouts);
        expect(untilMs).toBeGreaterThanOrEqual(readAtMs + connectTimeoutMs);
        expect(untilMs + readTimeoutMs).toBeLessThan(readAtMs + lease);
      }),
    );
  });

  it('that is nearly over lets nothing go', () => {
    expect(sendUntilMs(1_000, 9_000, LOCAL)).toBeLessThan(1_000);
  });
});
