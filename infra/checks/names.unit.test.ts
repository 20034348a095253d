import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { readFiles } from './files.ts';
import { knownNames } from './known-names.ts';
import { type KnownNames, nameProblems } from './names.ts';

describe('the Markdown of this repository', () => {
  const known = knownNames();

  it('shows only names that the code has', () => {
    expect(nameProblems(readFiles(REPOSITORY_DIR, ['.md']), known)).toEqual([]);
  });

  it('is held to what there is', () => {
    expect(known.calls).toEqual(
      expect.arrayContaining(['POST /api/v1/payments', 'GET /api/v1/admin/exceptions']),
    );
    for (const name of ['payment_open', 'ORDER_ALREADY_ACTIVE', 'outbox_oldest_age_seconds']) {
      expect([...known.words], name).toContain(name);
    }
    expect([...known.variables]).toEqual(expect.arrayContaining(['DATABASE_URL', 'DATA_DIR']));
  });
});

describe('a page', () => {
  it.each([
    ['a table or a metric', '`payment_open`, `open_exceptions{kind}`'],
    ['a code', '`ORDER_ALREADY_ACTIVE`'],
    ['what is no single name', '`a_b c_d` and `x_y.ts`'],
    ['a topic and its dead letters', '`payment.completed`, `payment.completed.dlq`'],
    ['a group and a file that look like topics', '`payment.outcomes`, `payment.ts`'],
    ['a file of tests', '`relay.int.test.ts`, `.int.test.ts`'],
    ['a call', '`GET /api/v1/payments/{id}` and `/api/v1/payments?limit=1`'],
    ['a call on a host', '```sh\ncurl "$API/api/v1/payments/$ID" -H x\n```'],
    ['the beginning of calls', '`/api/v1/`'],
    ['a variable before a program', '```sh\nPORT=7400 node main.js\nexport PORT=1 node\n```'],
    ['variables of the shell', '```sh\nORDER=order-1\nAPI=$(field api) KEY=$(field key)\n```'],
  ])('may show %s', (_what, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  it.each([
    ['`payment_gone`', 'the code has no name payment_gone'],
    ['`gone_total{pg}`', 'the code has no name gone_total'],
    ['`ORDER_GONE`', 'the code has no name ORDER_GONE'],
    ['`gone.int.test.ts`', 'there is no test gone.int.test.ts'],
    ['`payment.gone`', 'there is no topic payment.gone'],
    ['`payment.gone.dlq`', 'there is no topic payment.gone'],
    ['`GET /api/v1/gone`', 'no service has the call GET /api/v1/gone'],
    ['`DELETE /api/v1/payments/{id}`', 'no service has the call DELETE /api/v1/payments/{id}'],
    ['```sh\ncurl $API/api/v1/gone\n```', 'no service has the call /api/v1/gone'],
    ['```sh\nGONE=1 node main.js\n```', 'no program reads the variable GONE'],
    ['```sh\nPORT=1 GONE=1 npm run up\n```', 'no program reads the variable GONE'],
  ])('may not show %j', (text, problem) => {
    expect(problemsOf(text)).toEqual([`README.md: ${problem}`]);
  });
});

const KNOWN: KnownNames = {
  words: new Set(['payment_open', 'open_exceptions', 'ORDER_ALREADY_ACTIVE']),
  variables: new Set(['PORT']),
  testFiles: new Set(['relay.int.test.ts']),
  topics: new Set(['payment.completed']),
  calls: ['GET /api/v1/payments/{id}', 'GET /api/v1/payments'],
};

function problemsOf(text: string): string[] {
  return nameProblems([{ path: 'README.md', text }], KNOWN);
}
