import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventIdOf } from './event-id.ts';

describe('the id of an event', () => {
  it('is a UUIDv8 of the SHA-256 of its name', () => {
    const hex = createHash('sha256').update('settlement.items/s-1/2').digest('hex');
    const id = eventIdOf('settlement.items', 's-1', 2);
    expect(z.uuid({ version: 'v8' }).parse(id)).toBe(id);
    expect(id.slice(0, 13)).toBe(`${hex.slice(0, 8)}-${hex.slice(8, 12)}`);
    expect(id.slice(24)).toBe(hex.slice(20, 32));
  });

  it('is the same for the same name and another for any other', () => {
    const ids = [
      eventIdOf('settlement.items', 's-1', 2),
      eventIdOf('settlement.items', 's-1', 3),
      eventIdOf('settlement.items', 's-2', 2),
      eventIdOf('settlement.closed', 's-1', 2),
    ];
    expect(new Set(ids).size).toBe(4);
    expect(eventIdOf('settlement.items', 's-1', 2)).toBe(ids[0]);
  });
});
