import { createHash } from 'node:crypto';
import type { Rule, Violation } from '../rule.ts';

/** A violation as the watch knows it: stated once, and once more when it is gone. */
export interface Problem {
  /** The same in every pass that finds it. */
  readonly key: string;
  readonly rule: string;
  readonly statement: string;
  /** The ids and values that prove it, as they were when it was found. */
  readonly violation: Violation;
  /** When it was first found. RFC 3339. */
  readonly since: string;
  /** The page of idempotency keys that shows it; null where ids lead to it. */
  readonly page: string | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Columns that tell which thing it is, whose values do not change while the problem stays. */
const NAMING = /(^id|Id|Ids|^schema|^table|^in|^stage|^currency|^seq|^from|Of)$/;

/** Makes a problem of what a rule found. */
export function problemOf(
  rule: Pick<Rule, 'id' | 'statement'>,
  violation: Violation,
  since: string,
  page: string | null,
): Problem {
  const { id, statement } = rule;
  return { key: keyOf(id, violation), rule: id, statement, violation, since, page };
}

/** What a rule and the things that it names come to; other values may change from pass to pass. */
function keyOf(rule: string, violation: Violation): string {
  const named = Object.entries(violation).filter(([name]) => NAMING.test(name));
  const parts = named.length > 0 ? named : Object.entries(violation);
  const text = JSON.stringify([rule, ...parts]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** The ids in a violation, of whatever they are. */
export function idsOf(violation: Violation): string[] {
  return Object.values(violation)
    .flat()
    .filter((value): value is string => typeof value === 'string' && UUID.test(value));
}

/** Past so many nobody reads them one by one; more are stated once some are resolved. */
export const OPEN_MAX = 10_000;

export interface Change {
  readonly found: readonly Problem[];
  readonly resolved: readonly Problem[];
}

/**
 * The problems that are open, by key. A pass says what it looked at again; of that, what it does
 * not find any more is resolved.
 */
export class OpenProblems {
  readonly #open = new Map<string, Problem>();

  constructor(problems: readonly Problem[] = []) {
    for (const problem of problems) this.#open.set(problem.key, problem);
  }

  /**
   * Takes what a rule found.
   *
   * @param lookedAt the open problems of the rule that it would have found again
   */
  take(found: readonly Problem[], lookedAt: readonly Problem[]): Change {
    const unique = [...new Map(found.map((problem) => [problem.key, problem])).values()];
    const unknown = unique.filter(({ key }) => !this.#open.has(key));
    const fresh = unknown.slice(0, Math.max(0, OPEN_MAX - this.#open.size));
    const keys = new Set(found.map(({ key }) => key));
    const resolved = lookedAt.filter(({ key }) => this.#open.has(key) && !keys.has(key));
    for (const { key } of resolved) this.#open.delete(key);
    for (const problem of fresh) this.#open.set(problem.key, problem);
    return { found: fresh, resolved };
  }

  /** At most `max`, those first that were looked at longest ago; a call counts as a look. */
  next(max: number): Problem[] {
    const chosen = [...this.#open.values()].slice(0, max);
    for (const problem of chosen) {
      this.#open.delete(problem.key);
      this.#open.set(problem.key, problem);
    }
    return chosen;
  }

  count(rule: string): number {
    let count = 0;
    for (const problem of this.#open.values()) if (problem.rule === rule) count += 1;
    return count;
  }

  all(): Problem[] {
    return [...this.#open.values()];
  }
}
