import type { PostgresPool } from '@mini-pg/database';
import type { Gates } from '../gates.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { type Database, type Executed, type Transaction, UniqueViolation } from './database.ts';
import type { Row } from './rows.ts';
import { STATEMENTS } from './statements.ts';

interface Query {
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

interface Result {
  readonly rows: readonly Row[];
  readonly rowCount: number;
}

/** In a transaction, where it waits, writes for the first time, or ends; what it does between takes no time. */
const GATED_IN_TRANSACTION: ReadonlySet<string> = new Set(['lock-payments', 'write-results']);

/** The connections of one worker. They break when it dies: what was not committed is gone. */
export class SimulatedPool {
  readonly #database: Database;
  readonly #clock: VirtualClock;
  readonly #gates: Gates;
  readonly #open = new Set<Transaction>();
  /** For a store that forgets: attempts as they were before this worker claimed them. */
  readonly #unclaimed = new Map<string, Row>();

  constructor(database: Database, clock: VirtualClock, gates: Gates) {
    this.#database = database;
    this.#clock = clock;
    this.#gates = gates;
  }

  /** As the product knows it: the part of it that is used. */
  asPool(): PostgresPool {
    const pool = {
      query: (query: Query) => this.#query(query),
      connect: async () => this.#connect(),
    };
    return pool as unknown as PostgresPool;
  }

  break(): void {
    for (const transaction of [...this.#open]) this.#end(transaction, 'ROLLBACK');
    if (this.#database.switches.keepsClaims) return;
    for (const [id, before] of this.#unclaimed) {
      const row = this.#database.row('attempt', id);
      if (row?.state === 'CALLING') this.#database.put(null, 'attempt', id, before);
    }
  }

  #query(query: Query): Promise<Result> {
    return this.#gates.pass(query.name ?? query.text, () => {
      if (this.#database.isBusyFor(null)) return 'BLOCKED';
      if (query.name === 'claim-attempts') this.#rememberReady();
      return this.#executeAlone(query);
    });
  }

  #connect(): object {
    const state: { transaction: Transaction | null } = { transaction: null };
    return {
      query: (query: string | Query) => this.#queryInside(state, query),
      on: () => {},
      off: () => {},
      release: () => {},
    };
  }

  async #queryInside(
    state: { transaction: Transaction | null },
    query: string | Query,
  ): Promise<Result> {
    if (query === 'begin') {
      state.transaction = this.#database.begin();
      this.#open.add(state.transaction);
      return NOTHING;
    }
    const { transaction } = state;
    if (transaction === null) throw new Error('there is no transaction');
    if (query === 'rollback') {
      this.#end(transaction, 'ROLLBACK');
      return NOTHING;
    }
    if (query === 'commit') {
      return this.#gates.pass('commit', () => {
        this.#end(transaction, 'COMMIT');
        return { value: NOTHING };
      });
    }
    if (typeof query === 'string') throw new Error(`nobody knows the statement ${query}`);
    const act = () =>
      this.#database.isBusyFor(transaction)
        ? ('BLOCKED' as const)
        : this.#execute(query, transaction, transaction);
    if (GATED_IN_TRANSACTION.has(query.name ?? '')) return this.#gates.pass(query.name ?? '', act);
    const done = act();
    return done === 'BLOCKED' ? this.#gates.pass(query.name ?? '', act) : done.value;
  }

  #end(transaction: Transaction, how: 'COMMIT' | 'ROLLBACK'): void {
    if (!this.#open.delete(transaction)) return;
    this.#database.end(transaction, how);
    this.#note(transaction, { text: how, values: [] }, []);
  }

  /** All of a statement, or nothing of it. */
  #executeAlone(query: Query): { value: Result } | 'BLOCKED' {
    const own = this.#database.begin();
    let how: 'COMMIT' | 'ROLLBACK' = 'ROLLBACK';
    try {
      const done = this.#execute(query, own, null);
      how = 'COMMIT';
      return done;
    } finally {
      this.#database.end(own, how);
    }
  }

  #execute(
    query: Query,
    transaction: Transaction,
    asked: Transaction | null,
  ): { value: Result } | 'BLOCKED' {
    const statement = STATEMENTS[query.name ?? ''];
    if (statement === undefined) throw new Error(`nobody knows the statement ${query.name}`);
    const { text, values = [] } = query;
    const [database, clock] = [this.#database, this.#clock];
    try {
      const rows = statement({ database, clock, transaction, text, values });
      if (rows === 'BLOCKED') return rows;
      this.#note(asked, query, rows);
      return { value: { rows, rowCount: rows.length } };
    } catch (error) {
      if (error instanceof UniqueViolation)
        this.#note(asked, query, { violates: error.constraint });
      throw error;
    }
  }

  #note(
    transaction: Transaction | null,
    { text, values = [] }: Query,
    result: Executed['result'],
  ): void {
    const atMs = this.#clock.nowMs;
    this.#database.executed?.push({ transaction, text, values, result, atMs });
  }

  #rememberReady(): void {
    for (const row of this.#database.rows('attempt')) {
      if (row.state === 'READY') this.#unclaimed.set(String(row.id), row);
    }
  }
}

const NOTHING: Result = { rows: [], rowCount: 0 };
