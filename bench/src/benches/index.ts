import type { Bench } from '../bench.ts';
import { close } from './close.ts';
import { intake } from './intake.ts';

/** Every bench, in the order in which `all` runs them. */
export const BENCHES: readonly Bench[] = [intake, close];
