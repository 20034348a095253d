import type { PostgresSession } from '@mini-pg/database';
import { describe, expect, it } from 'vitest';
import { FIRST_ID, firstIdAt, type Lane, readStretch } from './lanes.ts';

const NOW = new Date('2026-03-13T03:00:00.000Z');
const id = (n: number) => `019a0000-0000-7000-8000-00000000000${n}`;

/** A session that answers with rows and keeps what it was asked for. */
function answering(weights: readonly number[]) {
  const asked: unknown[][] = [];
  const rows = weights.map((weight, n) => ({ id: id(n), seed: id(n), weight }));
  const query = async (_text: string, values: unknown[]) => {
    asked.push(values);
    return { rows };
  };
  return { asked, session: { query } as unknown as PostgresSession };
}

const lane = (lagMs: number | null): Lane => ({ name: 'x', gives: 'payment', lagMs, query: '' });
const options = { cursor: id(0), now: NOW, rowsMax: 3, weightMax: 10 };

describe('a lane', () => {
  it('with a lag gives what is as old as that, and begins with what is new', async () => {
    const { asked, session } = answering([]);
    const stretch = await readStretch(session, lane(1_000), { ...options, cursor: undefined });
    const to = firstIdAt(NOW.getTime() - 1_000);
    expect(asked).toEqual([[to, to, 3]]);
    expect(stretch).toEqual({ ids: [], cursor: to, isBehind: false, isRound: false });
  });

  it('is behind while it gives as many rows as it may', async () => {
    const { session } = answering([1, 1, 1]);
    expect(await readStretch(session, lane(1_000), options)).toEqual({
      ids: [id(0), id(1), id(2)],
      cursor: id(2),
      isBehind: true,
      isRound: false,
    });
  });

  it('stops before the weight is too much, but gives one row whatever it weighs', async () => {
    const some = await readStretch(answering([6, 4, 1]).session, lane(0), options);
    expect(some).toMatchObject({ ids: [id(0), id(1)], cursor: id(1), isBehind: true });
    const heavy = await readStretch(answering([60, 1]).session, lane(0), options);
    expect(heavy).toMatchObject({ ids: [id(0)], cursor: id(0), isBehind: true });
  });

  it('without a lag begins anew at the end, and is never behind', async () => {
    const end = await readStretch(answering([1]).session, lane(null), options);
    expect(end).toMatchObject({ ids: [id(0)], cursor: FIRST_ID, isBehind: false, isRound: true });
    const middle = await readStretch(answering([1, 1, 1]).session, lane(null), options);
    expect(middle).toMatchObject({ cursor: id(2), isBehind: false, isRound: false });
  });
});

describe('the first id of a moment', () => {
  it('is a UUIDv7 that no id of that moment comes before', () => {
    expect(firstIdAt(0x01_9a_00_00_00_00)).toBe('019a0000-0000-7000-8000-000000000000');
    expect(firstIdAt(-5)).toBe('00000000-0000-7000-8000-000000000000');
  });
});
