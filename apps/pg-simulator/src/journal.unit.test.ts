import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal } from './journal.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'journal-'));
  path = join(directory, 'ledger.jsonl');
});

afterEach(() => rmSync(directory, { recursive: true }));

function reopen(records: object[] = []): unknown[] {
  const replayed: unknown[] = [];
  const journal = openJournal(path, (record) => replayed.push(record));
  journal.append(records);
  journal.close();
  return replayed;
}

describe('a journal', () => {
  it('gives back what was appended, in order, over several openings', () => {
    expect(reopen([{ a: 1 }, { a: '둘' }])).toEqual([]);
    expect(reopen([{ a: 3 }])).toEqual([{ a: 1 }, { a: '둘' }]);
    expect(reopen()).toEqual([{ a: 1 }, { a: '둘' }, { a: 3 }]);
  });

  it('has a line on disk when append returns', () => {
    const journal = openJournal(path, () => {});
    journal.append([{ a: 1 }]);
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n');
    journal.close();
  });

  it('cuts a last line off that was not written whole, and goes on after it', () => {
    reopen([{ a: 1 }]);
    appendFileSync(path, '{"a":2,"b":"x');
    expect(reopen([{ a: 3 }])).toEqual([{ a: 1 }]);
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"a":3}\n');
  });

  it('starts over in a file that holds a torn line only', () => {
    writeFileSync(path, '{"a":');
    expect(reopen([{ a: 1 }])).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n');
  });

  it('refuses a whole line that it cannot read, since money would be missing', () => {
    writeFileSync(path, '{"a":1}\nxx\n{"a":3}\n');
    expect(() => reopen()).toThrow('line 2 is not JSON');
    expect(readFileSync(path, 'utf8')).toContain('{"a":3}');
  });

  it('reads lines that lie across its read buffer', () => {
    const long = 'z'.repeat(700_000);
    reopen([{ a: long }, { b: long }, { c: long }]);
    expect(reopen()).toEqual([{ a: long }, { b: long }, { c: long }]);
  });
});
