import { describe, expect, it } from 'vitest';
import { DEFAULT_BOUNDS } from '../bounds.ts';
import type { AuditSession } from '../rule.ts';
import { WATCHED_RULES } from './pass.ts';
import { sliceQuery } from './slice.ts';

describe('a query of whole tables', () => {
  it('becomes one of the tables of a slice', () => {
    const query = `select payment.id from payment.payment join settlement.fact f on f.id = payment.id`;
    expect(sliceQuery('payment', query)).toBe(
      `select payment.id from pg_temp.payment__payment join pg_temp.settlement__fact f on f.id = payment.id`,
    );
  });

  it('that reads what the slice has no rows of is an error', () => {
    expect(() => sliceQuery('key', 'select from settlement.fact')).toThrow(
      'a slice of the scope key has no rows of settlement.fact',
    );
  });
});

describe('each rule that a watch holds to slices', () => {
  const sliced = WATCHED_RULES.filter(({ scope }) => scope !== 'whole');

  it.each(sliced.map(({ id }) => id))('%s reads tables that its scope has rows of', async (id) => {
    const rule = sliced.find((one) => one.id === id);
    const queries: string[] = [];
    const session = {
      async query(text: string) {
        queries.push(text);
        return { rows: [] };
      },
    } as unknown as AuditSession['session'];
    const scope = rule?.scope as 'payment';
    const slice = (query: string) => sliceQuery(scope, query);
    await rule?.check({ session, bounds: DEFAULT_BOUNDS, slice }).catch((error: Error) => {
      expect(error.message).toBe(`rule ${id} gave no row`);
    });
    expect(queries.length).toBeGreaterThan(0);
  });
});
