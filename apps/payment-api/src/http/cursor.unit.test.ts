import { ProblemError } from '@mini-pg/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCursorCodec } from './cursor.ts';

const codec = createCursorCodec('things', z.tuple([z.string().regex(/^\d+$/), z.uuid()]));
const position = fc.tuple(
  fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String),
  fc.uuid({ version: 7 }),
);

describe('a cursor', () => {
  it('gives back every position that it was made of', () => {
    fc.assert(
      fc.property(position, (at) => {
        expect(codec.decode(codec.encode(at as [string, string]))).toEqual(at);
      }),
    );
  });

  it('is safe in a URL', () => {
    fc.assert(
      fc.property(position, (at) => {
        expect(codec.encode(at as [string, string])).toMatch(/^[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it('is refused as INVALID_CURSOR whatever else it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json()), (text) => {
        expect(() => codec.decode(text)).toThrow(ProblemError);
      }),
    );
  });

  it('of another call is refused', () => {
    const other = createCursorCodec('others', z.tuple([z.string(), z.string()]));
    const cursor = other.encode(['1', '01a1fda0-d337-7701-b10c-62ee74e787df']);
    expect(() => codec.decode(cursor)).toThrow('The cursor is malformed');
  });

  it('is refused when it was changed in a way that reads the same', () => {
    const cursor = codec.encode(['1', '01a1fda0-d337-7701-b10c-62ee74e787df']);
    expect(() => codec.decode(`${cursor}=`)).toThrow('The cursor is malformed');
    expect(() => codec.decode(`${cursor}.`)).toThrow('The cursor is malformed');
  });
});
