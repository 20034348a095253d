import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinJsonTexts, jsonTextsOf } from './json-texts.ts';
import { createClient, type PostgresSession } from './pool.ts';

const READ = `select array(select text from unnest($1::int[], ${jsonTextsOf('$2')}) as t (n, text) order by n) as texts`;

let session: PostgresSession;

beforeAll(async () => {
  const connectionString = process.env.STACK_POSTGRES_URL ?? '';
  session = createClient({ connectionString, applicationName: 'json-texts-test' });
  await session.connect();
});

afterAll(() => session.end());

async function travelled(texts: readonly (string | null)[]): Promise<unknown> {
  const numbers = texts.map((_, index) => index);
  const { rows } = await session.query(READ, [numbers, joinJsonTexts(texts)]);
  return rows[0]?.texts;
}

describe('JSON texts in one parameter', () => {
  it('arrive as they were, nulls and separators within strings too', async () => {
    // Postgres has no text with a NUL, and JSON escapes it.
    const text = fc.option(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      { nil: null },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 8 }), async (texts) => {
        expect(await travelled(texts)).toEqual(texts);
      }),
    );
  });

  it.each([
    { texts: [null] },
    { texts: [null, null] },
    { texts: ['{}', null] },
    { texts: [null, '"\\u001e"'] },
    { texts: [JSON.stringify('a\u001eb'), JSON.stringify('\ud800'), '""'] },
  ])('arrive: $texts', async ({ texts }) => {
    expect(await travelled(texts)).toEqual(texts);
  });
});
