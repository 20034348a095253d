import { describe, expect, it } from 'vitest';
import { negotiate } from './accept.ts';

const CALLS = ['application/json', 'text/csv'] as const;

describe('the media type of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/json', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV', 'text/csv'],
    ['text/*', 'text/csv'],
    ['text/csv; charset=utf-8', 'text/csv'],
    ['text/csv, application/json', 'application/json'],
    ['application/json;q=0.5, text/csv', 'text/csv'],
    ['application/json;q=0.5, text/csv;q=0.4', 'application/json'],
    ['text/csv;q=0.9, */*;q=0.1', 'text/csv'],
    ['*/*, application/json;q=0', 'text/csv'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['text/csv;header=present;q=1.000', 'text/csv'],
    ['nonsense, text/csv', 'text/csv'],
    ['application/json;q=2, text/csv', 'text/csv'],
  ])('for Accept %j is %s', (accept, type) => {
    expect(negotiate(accept, CALLS)).toBe(type);
  });

  it.each(['text/html', 'application/json;q=0', 'image/*', '*/*;q=0', 'nonsense'])(
    'for Accept %j is none',
    (accept) => {
      expect(negotiate(accept, CALLS)).toBeNull();
    },
  );
});
