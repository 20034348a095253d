import { z } from 'zod';

/** The largest amount of one payment, in minor units. */
export const AMOUNT_MAX = 1_000_000_000_000;

/** The currencies that a payment may carry, with the number of digits of their minor unit (ISO 4217). */
export const CURRENCIES = { KRW: 0, USD: 2, JPY: 0 } as const;

export type Currency = keyof typeof CURRENCIES;

export const currencySchema = z
  .enum(Object.keys(CURRENCIES) as [Currency, ...Currency[]])
  .meta({ id: 'Currency', description: 'ISO 4217 code.' });

/** An amount to pay: minor units, 1 to 10^12. */
export const amountSchema = z
  .int()
  .min(1)
  .max(AMOUNT_MAX)
  .meta({ description: 'Minor units of the currency (won have none: 1000 is 1,000 won).' });

/** An amount of minor units that may be nothing, 0 to 10^12. */
export const amountOrZeroSchema = z.int().min(0).max(AMOUNT_MAX);

/** A signed sum of minor units within the safe integers. */
export const sumSchema = z.int();

/**
 * A bigint of minor units as a JSON integer.
 *
 * @throws RangeError when it leaves the safe integers: such a number would lose digits in JSON.
 */
export function toJsonInteger(amount: bigint): number {
  const value = Number(amount);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`${amount} minor units do not fit a JSON integer`);
  }
  return value;
}
