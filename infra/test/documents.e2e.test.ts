import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFiles } from '../checks/files.ts';
import { shellBlocksOf, shellScriptOf } from '../checks/shell-blocks.ts';

/*
 * The shell blocks of the documents, typed into a shell as they stand, one page after the other, on
 * one system. Each page may use what an earlier one has left, as a reader's system would have it.
 */
const PAGE_TIMEOUT_MS = 600_000;
const DOWN_TIMEOUT_MS = 120_000;

/** Left out of the folder that the pages are typed in: what belongs to a system or a run. */
const NOT_SHARED = new Set(['.data', '.git', '.test-results', '.turbo']);

let folder: string;

beforeAll(() => {
  // A clone with data of its own: everything else leads to this one.
  folder = mkdtempSync(join(tmpdir(), 'documents-test-'));
  chmodSync(folder, 0o711);
  mkdirSync(join(folder, '.data'));
  chmodSync(join(folder, '.data'), 0o711);
  for (const name of readdirSync(REPOSITORY_DIR)) {
    if (!NOT_SHARED.has(name)) symlinkSync(join(REPOSITORY_DIR, name), join(folder, name));
  }
});

afterAll(async () => {
  await run('npm run down');
  rmSync(folder, { recursive: true, force: true });
}, DOWN_TIMEOUT_MS);

describe('the commands of', () => {
  it.each(pagesInOrder())(
    '%s succeed as they are shown',
    async (path) => {
      const text = readFileSync(join(REPOSITORY_DIR, path), 'utf8');
      const { code, output } = await run(shellScriptOf({ path, text }));
      expect({ code, output }).toMatchObject({ code: 0 });
      for (const line of EXPECTED[path] ?? []) expect(output).toMatch(line);
    },
    PAGE_TIMEOUT_MS,
  );
});

/** What the pages promise of the output, where the exit code does not tell. */
const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  'docs/start/README.md': [
    /^order-1001: paid 19900 won$/m,
    /"orderId":"order-1002",.*"status":"APPROVED"/,
    /^order-1003: no answer, the same again$/m,
    /^order-1003: paid 7000 won$/m,
    /^order-1004: FAILED, INSUFFICIENT_FUNDS_OR_LIMIT$/m,
    /pg-processor UNKNOWN\n.*pg-processor INQUIRED\n.*pg-processor APPROVED$/m,
    /: 4 lines, 34900 - 1012 - 102 = 33786, on /,
    /^[^,]+,PAYMENT,[^,]+,order-1001,[\d-]+,19900,/m,
  ],
  'README.md': [
    /^HTTP\/1\.1 201 Created/m,
    /"status":"APPROVED"/,
    /^\uFEFF?id,kind,paymentId,orderId,saleDate,amount,fee,vat,net/m,
  ],
  'docs/how-to/cancel-a-payment.md': [
    /"origin":"MERCHANT","amount":5000,/,
    /"origin":"MERCHANT","amount":14900,/,
    /"code":"PAYMENT_NOT_CANCELABLE"/,
    /"step":"CANCEL_REQUESTED"/,
  ],
};

function pagesInOrder(): string[] {
  const howTo = existsSync(join(REPOSITORY_DIR, 'docs/how-to'))
    ? readFiles(join(REPOSITORY_DIR, 'docs/how-to'), ['.md']).map(
        ({ path }) => `docs/how-to/${path}`,
      )
    : [];
  return ['docs/start/README.md', 'README.md', ...howTo].filter((path) =>
    shellBlocksOf(readFileSync(join(REPOSITORY_DIR, path), 'utf8')).some(({ notRun }) => !notRun),
  );
}

function run(script: string): Promise<{ code: number | null; output: string }> {
  const { STACK_POSTGRES_URL, STACK_REDIS_URL, STACK_KAFKA_BROKERS, ...env } = process.env;
  const child = spawn('bash', ['-c', script], {
    cwd: folder,
    env: { ...env, STACK: 'native', DATA_DIR: join(folder, '.data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}
