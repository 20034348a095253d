import type { PostgresSession } from '@mini-pg/database';
import type { AuditBounds } from './bounds.ts';

/** What a rule found to be otherwise: names and values that lead to the rows. */
export type Violation = Readonly<Record<string, unknown>>;

/** What one rule found. */
export interface Findings {
  /** How many things the rule was held to. */
  readonly checked: number;
  /** How many of them break it. */
  readonly total: number;
  /** The first of those, at most {@link EXAMPLES_MAX}. */
  readonly violations: readonly Violation[];
}

export interface RuleResult extends Findings {
  readonly id: string;
  readonly statement: string;
}

/** What a rule reads from: one snapshot of the database, and the bounds that the caller allows. */
export interface AuditSession {
  readonly session: PostgresSession;
  readonly bounds: AuditBounds;
}

/** A rule about money: a sentence that is true of every correct system at every moment. */
export interface Rule {
  readonly id: string;
  readonly statement: string;
  /** It compares with the gateway's own ledger, so it needs one. */
  readonly needsLedger: boolean;
  check(audit: AuditSession): Promise<Findings>;
}

/** More examples than this do not help whoever mends it. */
export const EXAMPLES_MAX = 20;

export interface SqlRuleOptions {
  readonly id: string;
  readonly statement: string;
  readonly needsLedger?: boolean;
  /** A query of one number: how many things the rule is held to. */
  readonly checked: string;
  /** A query of the things that break it; no row means that it holds. */
  readonly violations: string;
  /** The bounds that stand in both queries as $1, $2 and so on, as intervals. */
  readonly bounds?: readonly (keyof AuditBounds)[];
}

/** A rule that is one statement: count, and first examples, come from the same reading. */
export function sqlRule(options: SqlRuleOptions): Rule {
  const { id, statement, needsLedger = false, bounds: names = [] } = options;
  const text = `
    with broken as materialized (${options.violations})
    select
      (${options.checked})::int8 as checked,
      (select count(*) from broken) as total,
      (select coalesce(jsonb_agg(to_jsonb(example)), '[]')
       from (select * from broken limit ${EXAMPLES_MAX}) example) as violations`;
  return {
    id,
    statement,
    needsLedger,
    async check({ session, bounds }) {
      const values = names.map((name) => `${bounds[name]} milliseconds`);
      const { rows } = await session.query<FindingsRow>(text, values);
      const [row] = rows;
      if (row === undefined) throw new Error(`rule ${id} gave no row`);
      return {
        checked: Number(row.checked),
        total: Number(row.total),
        violations: row.violations,
      };
    },
  };
}

interface FindingsRow {
  checked: bigint;
  total: bigint;
  violations: Violation[];
}

/** Counts what a rule that works row by row finds. */
export class Tally {
  #checked = 0;
  #total = 0;
  readonly #violations: Violation[] = [];

  held(count = 1): void {
    this.#checked += count;
  }

  broken(violation: Violation): void {
    this.#total += 1;
    if (this.#violations.length < EXAMPLES_MAX) this.#violations.push(violation);
  }

  findings(): Findings {
    return { checked: this.#checked, total: this.#total, violations: this.#violations };
  }
}
