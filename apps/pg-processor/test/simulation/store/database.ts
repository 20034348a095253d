import type { Row } from './rows.ts';

/** What the schema says, and may be made to forget to see whether anything notices. */
export interface StoreSwitches {
  /** Whether unique keys of attempts hold. */
  readonly hasUniqueKeys: boolean;
  /** Whether a payment that is read to be changed is locked. */
  readonly locksPayments: boolean;
  /** Whether a claim outlives the worker that made it and recorded nothing. */
  readonly keepsClaims: boolean;
  /** Whether a net-cancel knows how long ago the call was that it undoes. */
  readonly showsAgeOfApprovals: boolean;
  /** Whether an exception that was resolved is seen to be. */
  readonly showsResolutions: boolean;
}

export const SOUND_STORE: StoreSwitches = {
  hasUniqueKeys: true,
  locksPayments: true,
  keepsClaims: true,
  showsAgeOfApprovals: true,
  showsResolutions: true,
};

export type TableName =
  | 'attempt'
  | 'payment_result'
  | 'outcome'
  | 'exception'
  | 'source_claim'
  | 'cancel'
  | 'retry_budget'
  | 'operator_action'
  | 'outbox';

/** A statement as it was executed, for whoever wants to know whether Postgres does the same. */
export interface Executed {
  readonly transaction: Transaction | null;
  readonly text: string;
  readonly values: readonly unknown[];
  /** What it gave; the unique key that it would have violated. */
  readonly result: readonly Row[] | { readonly violates: string };
  readonly atMs: number;
}

/** A transaction: what it holds, and how to take back what it did. */
export interface Transaction {
  readonly locked: Set<string>;
  /** Payments whose attempts it holds too: it locks them when it reads them. */
  readonly lockedAttempts: Set<string>;
  readonly undo: (() => void)[];
}

/** A unique key is violated, in the words of the driver. */
export class UniqueViolation extends Error {
  readonly code = '23505';
  readonly constraint: string;

  constructor(constraint: string) {
    super(`duplicate key value violates unique constraint "${constraint}"`);
    this.constraint = constraint;
  }
}

/**
 * The tables of pg-processor, their unique keys and the locks on payments. Coarser than Postgres in
 * one thing: from the first write of a transaction to its end nobody else reads or writes, so every
 * order of commits is one that Postgres has too.
 */
export class Database {
  readonly switches: StoreSwitches;
  readonly #tables: Record<TableName, Map<string, Row>> = {
    attempt: new Map(),
    payment_result: new Map(),
    outcome: new Map(),
    exception: new Map(),
    source_claim: new Map(),
    cancel: new Map(),
    retry_budget: new Map(),
    outbox: new Map(),
    operator_action: new Map(),
  };
  readonly #open = new Set<Transaction>();
  /** Kept only where somebody wants it. */
  executed: Executed[] | null = null;
  #writer: Transaction | null = null;
  #sequence = 0;

  constructor(switches: StoreSwitches = SOUND_STORE) {
    this.switches = switches;
  }

  rows(table: TableName): Row[] {
    return [...this.#tables[table].values()];
  }

  row(table: TableName, key: string): Row | undefined {
    return this.#tables[table].get(key);
  }

  begin(): Transaction {
    const transaction: Transaction = {
      locked: new Set(),
      lockedAttempts: new Set(),
      undo: [],
    };
    this.#open.add(transaction);
    return transaction;
  }

  end(transaction: Transaction, how: 'COMMIT' | 'ROLLBACK'): void {
    if (how === 'ROLLBACK') for (const undo of transaction.undo.reverse()) undo();
    if (this.#writer === transaction) this.#writer = null;
    this.#open.delete(transaction);
  }

  /** Whether a statement has to wait for a transaction that has written. */
  isBusyFor(transaction: Transaction | null): boolean {
    return this.#writer !== null && this.#writer !== transaction;
  }

  /** Locks payments; false when another transaction holds one of them. */
  lock(transaction: Transaction, paymentIds: readonly string[]): boolean {
    if (!this.switches.locksPayments) return true;
    const isFree = paymentIds.every((id) => !this.isLocked(id, transaction));
    if (isFree) for (const id of paymentIds) transaction.locked.add(id);
    return isFree;
  }

  isLocked(paymentId: string, by: Transaction | null = null): boolean {
    return [...this.#open].some((other) => other !== by && other.locked.has(paymentId));
  }

  lockAttempts(transaction: Transaction, paymentIds: readonly string[]): void {
    if (!this.switches.locksPayments) return;
    for (const id of paymentIds) transaction.lockedAttempts.add(id);
  }

  areAttemptsLocked(paymentId: string): boolean {
    return [...this.#open].some(({ lockedAttempts }) => lockedAttempts.has(paymentId));
  }

  /** Writes a row, or deletes it when it is null. @throws UniqueViolation */
  put(transaction: Transaction | null, table: TableName, key: string, row: Row | null): void {
    if (row !== null) this.#checkKeys(table, row);
    if (transaction !== null) this.#writer = transaction;
    const rows = this.#tables[table];
    const before = rows.get(key);
    transaction?.undo.push(() => (before === undefined ? rows.delete(key) : rows.set(key, before)));
    if (row === null) rows.delete(key);
    else rows.set(key, row);
  }

  /** The same, of a row that may not be there yet. @throws UniqueViolation */
  insert(
    transaction: Transaction | null,
    table: TableName,
    key: string,
    row: Row,
    constraint: string,
  ): void {
    if (this.#tables[table].has(key)) throw new UniqueViolation(constraint);
    this.put(transaction, table, key, row);
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  #checkKeys(table: TableName, row: Row): void {
    const keys = KEYS[table];
    if (keys === undefined || !this.switches.hasUniqueKeys) return;
    const others = this.rows(table).filter(({ id }) => id !== row.id);
    for (const [constraint, isIn, columns] of keys) {
      const isTaken =
        isIn(row) &&
        others.some((other) => isIn(other) && columns.every((name) => other[name] === row[name]));
      if (isTaken) throw new UniqueViolation(constraint);
    }
  }
}

/** The name of a unique key, the rows that it speaks of, and their columns. */
type UniqueKey = readonly [string, (row: Row) => boolean, readonly string[]];

const isOneOf =
  (...states: readonly unknown[]) =>
  ({ state }: Row): boolean =>
    states.includes(state);

const isLive = isOneOf('CALLING', 'UNKNOWN', 'APPROVED');
const isCaptured = isOneOf('APPROVED', 'REVERSED');
const isOpenOrDone = isOneOf('STARTED', 'DONE');

const KEYS: Partial<Record<TableName, readonly UniqueKey[]>> = {
  attempt: [
    ['attempt_number', () => true, ['payment_id', 'operation', 'number', 'cancel_id']],
    ['attempt_one_calling', isOneOf('CALLING'), ['payment_id']],
    [
      'attempt_one_live_approval',
      (row) => row.operation === 'APPROVE' && isLive(row),
      ['payment_id'],
    ],
    [
      'attempt_one_per_transaction',
      (row) => isCaptured(row) && row.pg_transaction_id !== null,
      ['pg', 'pg_account_id', 'livemode', 'pg_transaction_id'],
    ],
    [
      'attempt_one_live_cancel',
      (row) => row.cancel_id !== null && isOneOf('READY', 'CALLING', 'UNKNOWN')(row),
      ['payment_id'],
    ],
    [
      'attempt_one_live_reversal',
      (row) => row.reverses_id !== null && isOneOf('READY', 'CALLING', 'UNKNOWN', 'APPROVED')(row),
      ['reverses_id'],
    ],
    [
      'attempt_one_success_per_cancel',
      (row) => row.cancel_id !== null && row.state === 'APPROVED',
      ['cancel_id'],
    ],
  ],
  cancel: [
    ['cancel_one_started', isOneOf('STARTED'), ['payment_id']],
    [
      'cancel_one_per_remainder',
      (row) => row.state === 'DONE' && row.remaining_after !== null,
      ['payment_id', 'remaining_after'],
    ],
    [
      'cancel_one_per_balance',
      (row) => isOpenOrDone(row) && row.remaining_before !== null,
      ['payment_id', 'remaining_before'],
    ],
  ],
};
