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
  /** How many violations are listed; {@link EXAMPLES_MAX} unless given. */
  readonly examplesMax?: number;
  /** Turns a query of whole tables into one of a slice of them; see `watch/slice.ts`. */
  readonly slice?: (query: string) => string;
}

/**
 * What of a system holds all that a rule needs, so that a watch can hold the rule to a part of it:
 * the rows of some payments, of some statements, of some idempotency keys, of a close; or the whole,
 * for a rule that reads only what is open. What no part tells is left to whole audits.
 */
export const RULE_SCOPES = ['payment', 'statement', 'key', 'run', 'whole', 'audit'] as const;

export type RuleScope = (typeof RULE_SCOPES)[number];

/** A rule about money: a sentence that is true of every correct system at every moment. */
export interface Rule {
  readonly id: string;
  readonly statement: string;
  /** It compares with the gateway's own ledger, so it needs one. */
  readonly needsLedger: boolean;
  readonly scope: RuleScope;
  check(audit: AuditSession): Promise<Findings>;
}

/** More examples than this do not help whoever mends it. */
export const EXAMPLES_MAX = 20;

export interface SqlRuleOptions {
  readonly id: string;
  readonly statement: string;
  readonly needsLedger?: boolean;
  /** `payment` unless given. */
  readonly scope?: RuleScope;
  /** A query of one number: how many things the rule is held to. */
  readonly checked: string;
  /** A query of the things that break it; no row means that it holds. */
  readonly violations: string;
  /** The same, asked of a slice, where that needs other words. */
  readonly violationsInSlice?: string;
  /** The bounds that stand in both queries as $1, $2 and so on, as intervals. */
  readonly bounds?: readonly (keyof AuditBounds)[];
}

/** A rule that is one statement: count, and first examples, come from the same reading. */
export function sqlRule(options: SqlRuleOptions): Rule {
  const { id, statement, needsLedger = false, scope = 'payment', bounds: names = [] } = options;
  return {
    id,
    statement,
    needsLedger,
    scope,
    async check({ session, bounds, examplesMax = EXAMPLES_MAX, slice }) {
      const values = names.map((name) => `${bounds[name]} milliseconds`);
      const text = slice
        ? slice(
            textOf(options.checked, options.violationsInSlice ?? options.violations, examplesMax),
          )
        : textOf(options.checked, options.violations, examplesMax);
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

function textOf(checked: string, violations: string, examplesMax: number): string {
  return `
    with broken as materialized (${violations})
    select
      (${checked})::int8 as checked,
      (select count(*) from broken) as total,
      (select coalesce(jsonb_agg(to_jsonb(example)), '[]')
       from (select * from broken limit ${examplesMax}) example) as violations`;
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
  readonly #examplesMax: number;

  constructor({ examplesMax = EXAMPLES_MAX }: Pick<AuditSession, 'examplesMax'>) {
    this.#examplesMax = examplesMax;
  }

  held(count = 1): void {
    this.#checked += count;
  }

  broken(violation: Violation): void {
    this.#total += 1;
    if (this.#violations.length < this.#examplesMax) this.#violations.push(violation);
  }

  findings(): Findings {
    return { checked: this.#checked, total: this.#total, violations: this.#violations };
  }
}
