import type { Bench } from '../bench.ts';
import { close } from './close.ts';
import { e2e } from './e2e.ts';
import { images } from './images.ts';
import { intake } from './intake.ts';
import { memory } from './memory.ts';
import { overload } from './overload.ts';
import { profile } from './profile.ts';
import { projection } from './projection.ts';
import { read } from './read.ts';
import { relay } from './relay.ts';

/** Every bench, in the order in which `all` runs them. */
export const BENCHES: readonly Bench[] = [
  intake,
  read,
  e2e,
  relay,
  projection,
  close,
  memory,
  overload,
  profile,
  images,
];
