import type { Case } from '../case.ts';
import type { Plan } from '../plan.ts';
import { CACHE_CASES } from './caches.ts';
import { keyCases } from './keys.ts';
import { RACE_CASES } from './races.ts';
import { REPEAT_CASES } from './repeats.ts';
import { SCOPE_CASES } from './scopes.ts';

/** Every case, in the order in which they are played. */
export function casesOf(plan: Plan): Case[] {
  return [...keyCases(plan), ...REPEAT_CASES, ...RACE_CASES, ...SCOPE_CASES, ...CACHE_CASES];
}
