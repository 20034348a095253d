import { describe, expect, it } from 'vitest';
import { parseScale } from './scale.ts';

describe('the scale of a system', () => {
  it('is one of each when nothing is said', () => {
    expect(parseScale([])).toEqual({});
  });

  it('is what each value says', () => {
    expect(parseScale(['payment-api=2', 'pg-processor=8'])).toEqual({
      'payment-api': 2,
      'pg-processor': 8,
    });
  });

  it.each([
    ['payments=2', 'there is no service "payments": use payment-api,'],
    ['', 'there is no service "": use payment-api,'],
    ['pg-simulator=2', 'pg-simulator runs once'],
    ['payment-api', 'give payment-api=N, with N from 1 to 8'],
    ['payment-api=', 'give payment-api=N'],
    ['payment-api=0', 'give payment-api=N'],
    ['payment-api=9', 'give payment-api=N'],
    ['payment-api=two', 'give payment-api=N'],
    ['payment-api=1.5', 'give payment-api=N'],
    ['payment-api=-1', 'give payment-api=N'],
    ['payment-api=2=2', 'give payment-api=N'],
    ['payment-api=2,pg-processor=2', 'give payment-api=N'],
  ])('refuses %j and says what it takes', (value, message) => {
    expect(() => parseScale([value])).toThrow(`--scale ${value}: ${message}`);
  });

  it('refuses a service that is named twice', () => {
    expect(() => parseScale(['payment-api=2', 'payment-api=3'])).toThrow('given twice');
  });
});
