import type { PostgresPool } from '@mini-pg/database';
import type { LedgerEntry } from '../ledger-server.ts';
import type { SoundBooks } from '../sound-books.ts';

/** A copy of the sound books that one test breaks. */
export interface World {
  readonly pool: PostgresPool;
  readonly books: SoundBooks;
  readonly ledger: LedgerEntry[];
}

/** A way to break one rule, and as few others as can be. */
export interface Plant {
  readonly rule: string;
  readonly what: string;
  /** Rules that cannot but see it as well. */
  readonly also?: readonly string[];
  /** Rules that see it in a slice only, where they take another rule's word. */
  readonly alsoInSlice?: readonly string[];
  /** The gateway's ledger would show it as well, so it is left out. */
  readonly withoutLedger?: true;
  plant(world: World): Promise<unknown> | unknown;
}
