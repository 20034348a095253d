import { z } from 'zod';

const SEOUL_OFFSET_MS = 9 * 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A calendar date in Asia/Seoul, `YYYY-MM-DD`. */
export const businessDateSchema = z.iso
  .date()
  .meta({ description: 'Business date, Asia/Seoul.', examples: ['2026-03-31'] });

export type BusinessDate = string;

/**
 * The business date of an instant: its calendar date at UTC+9; Korea has no daylight saving time
 * (docs/reference/settlement-rules.md).
 */
export function businessDateOf(instant: Date): BusinessDate {
  return new Date(instant.getTime() + SEOUL_OFFSET_MS).toISOString().slice(0, 10);
}

/** The first instant of a business date. */
export function startOfBusinessDate(date: BusinessDate): Date {
  return new Date(Date.parse(`${date}T00:00:00.000Z`) - SEOUL_OFFSET_MS);
}

/** The business date `days` calendar days later (earlier when negative). */
export function addDays(date: BusinessDate, days: number): BusinessDate {
  return new Date(Date.parse(`${date}T00:00:00.000Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
