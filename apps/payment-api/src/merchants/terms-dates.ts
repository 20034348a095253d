import { addDays, type BusinessDate, businessDateOf } from '@mini-pg/domain';

/**
 * From when a merchant's first terms hold: today in Seoul unless it is given, null when that is
 * later. A payment before its merchant's first terms would have no fee and could not be settled.
 */
export function firstTermsFrom(given: BusinessDate | undefined, now: Date): BusinessDate | null {
  const today = businessDateOf(now);
  const from = given ?? today;
  return from > today ? null : from;
}

/**
 * From when later terms hold: tomorrow in Seoul unless it is given, null when that is earlier. So
 * the fee of a day never depends on when the change arrives (docs/reference/settlement-rules.md).
 */
export function laterTermsFrom(given: BusinessDate | undefined, now: Date): BusinessDate | null {
  const tomorrow = addDays(businessDateOf(now), 1);
  const from = given ?? tomorrow;
  return from < tomorrow ? null : from;
}
