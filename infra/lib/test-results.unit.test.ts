import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countTests, sumReports, type TestReport } from './test-results.ts';

function report(status: string, ...tests: string[]): TestReport {
  const assertionResults = tests.map((test) => ({ status: test }));
  return { testResults: [{ name: 'a.test.ts', status, assertionResults }] };
}

describe('the count of a report', () => {
  it('adds up passed and failed tests, and leaves skipped ones out', () => {
    expect(countTests(report('failed', 'passed', 'failed', 'passed', 'skipped'))).toEqual({
      passed: 2,
      failed: 1,
      mishaps: [],
    });
  });

  it('takes a file that failed without a failing test as a mishap', () => {
    expect(countTests(report('failed', 'passed')).mishaps).toEqual(['a.test.ts: crashed']);
  });

  it('takes a file without tests as a mishap, whatever its status', () => {
    expect(countTests(report('passed')).mishaps).toEqual(['a.test.ts: ran no test']);
  });
});

describe('the sum of reports', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'test-results-'));
    writeFileSync(join(dir, 'unit.json'), JSON.stringify(report('passed', 'passed')));
    writeFileSync(join(dir, 'int.json'), JSON.stringify(report('failed', 'failed')));
    writeFileSync(join(dir, 'half.json'), '{"testResults": [');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('goes over all of them', () => {
    const files = ['unit.json', 'int.json'].map((name) => join(dir, name));
    expect(sumReports(files)).toEqual({ passed: 1, failed: 1, mishaps: [] });
  });

  it('takes a missing and a broken report as mishaps', () => {
    const [missing, half] = [join(dir, 'e2e.json'), join(dir, 'half.json')];
    expect(sumReports([missing, half]).mishaps).toEqual([
      `${missing}: no report, vitest did not end`,
      `${half}: is not a report of vitest`,
    ]);
  });
});
