import type { ProblemError } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { validatorCompiler } from './validator.ts';

const schema = z.strictObject({
  name: z.string(),
  count: z.int().optional(),
  tags: z.array(z.strictObject({ id: z.string() })).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

function validate(data: unknown, httpPart = 'body') {
  const check = validatorCompiler({ schema, httpPart, method: 'POST', url: '/' });
  return check(data) as { value?: unknown; error?: ProblemError };
}

function errorsOf(data: unknown, httpPart = 'body') {
  return validate(data, httpPart).error?.options.errors;
}

describe('a request that fits its schema', () => {
  it('is passed on as the schema reads it', () => {
    expect(validate({ name: 'a' })).toEqual({ value: { name: 'a' } });
  });
});

describe('a body that does not fit its schema', () => {
  it('is VALIDATION_FAILED', () => {
    expect(validate({}).error?.code).toBe('VALIDATION_FAILED');
  });

  it('says which field is required', () => {
    expect(errorsOf({})).toEqual([{ pointer: '/name', message: 'is required' }]);
  });

  it('points into arrays', () => {
    expect(errorsOf({ name: 'a', tags: [{ id: 'x' }, { id: 1 }] })).toEqual([
      { pointer: '/tags/1/id', message: expect.stringContaining('string') },
    ]);
  });

  it('points at each unknown field, wherever it is', () => {
    expect(errorsOf({ name: 'a', b: 1, c: 2, tags: [{ id: 'x', d: 3 }] })).toEqual([
      { pointer: '/tags/0/d', message: 'is not a field of this request' },
      { pointer: '/b', message: 'is not a field of this request' },
      { pointer: '/c', message: 'is not a field of this request' },
    ]);
  });

  it('escapes pointers as RFC 6901 says', () => {
    expect(errorsOf({ name: 'a', metadata: { 'a/b~c': 1 } })?.[0]?.pointer).toBe(
      '/metadata/a~1b~0c',
    );
  });

  it('that is missing points at the whole of it', () => {
    expect(errorsOf(null)?.[0]?.pointer).toBe('');
  });

  it('never tells more than fifty errors', () => {
    const tags = Array.from({ length: 80 }, () => ({ id: 1 }));
    expect(errorsOf({ name: 'a', tags })).toHaveLength(50);
  });
});

describe('other parts that do not fit', () => {
  it('name the parameter', () => {
    expect(errorsOf({ name: 'a', foo: '1' }, 'querystring')).toEqual([
      { pointer: 'foo', message: 'is not a parameter of this call' },
    ]);
  });

  it('are INVALID_ID in the path', () => {
    expect(validate({}, 'params').error?.code).toBe('INVALID_ID');
  });
});
