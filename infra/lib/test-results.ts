import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** The part of vitest's JSON report that the counts come from. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

export type TestReport = z.infer<typeof reportSchema>;

/** Passed and failed tests, and what went wrong outside of any test, each of which is a failure. */
export type TestCounts = { passed: number; failed: number; mishaps: string[] };

/**
 * Counts one report. A file that failed without a failing test (it did not load, its worker
 * crashed) and a file without tests are mishaps: neither may pass for success.
 */
export function countTests(report: TestReport): TestCounts {
  const counts: TestCounts = { passed: 0, failed: 0, mishaps: [] };
  for (const file of report.testResults) {
    const failed = file.assertionResults.filter(({ status }) => status === 'failed').length;
    counts.passed += file.assertionResults.filter(({ status }) => status === 'passed').length;
    counts.failed += failed;
    if (file.assertionResults.length === 0) counts.mishaps.push(`${file.name}: ran no test`);
    else if (file.status !== 'passed' && failed === 0) counts.mishaps.push(`${file.name}: crashed`);
  }
  return counts;
}

/** Sums the reports of a run. A missing or unreadable report means that vitest itself crashed. */
export function sumReports(files: readonly string[]): TestCounts {
  const sum: TestCounts = { passed: 0, failed: 0, mishaps: [] };
  for (const file of files) {
    const counts = countFile(file);
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.mishaps.push(...counts.mishaps);
  }
  return sum;
}

function countFile(file: string): TestCounts {
  const nothing = { passed: 0, failed: 0 };
  if (!existsSync(file)) return { ...nothing, mishaps: [`${file}: no report, vitest did not end`] };
  try {
    return countTests(reportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
  } catch {
    return { ...nothing, mishaps: [`${file}: is not a report of vitest`] };
  }
}
