import type { Verdict } from './verdict.ts';

const PROBLEMS_MAX = 10;

/** What is wrong with a verdict, a line each. */
export function problemsOf({ lost, double, faults }: Verdict): string[] {
  const all = [
    ...lost.map((what) => `lost: ${what}`),
    ...double.map((what) => `double: ${what}`),
    ...faults,
  ];
  return all.slice(0, PROBLEMS_MAX);
}
