import type { BenchContext } from '../bench.ts';
import { figure, median, number } from '../report/figures.ts';
import type { Expectation, Measure, Section } from '../report/report.ts';

/** How much is measured: the growth from the first to the last is what is looked for. */
export const SIZES = [10_000, 100_000, 1_000_000] as const;

/** Seconds by size. */
export type Growth = ReadonlyMap<number, readonly number[]>;

const LARGEST: number = SIZES.at(-1) ?? 0;

/** What a page says where `largestOnce` was used. */
export const LARGEST_ONCE = 'The largest size takes minutes and is measured once.';

/**
 * Measures the same work at every size, in turn.
 *
 * @param measure seeds so many rows, does the work, and gives its seconds
 * @param options `largestOnce` leaves the largest size to the first round, where it takes long
 */
export async function measureGrowth(
  context: BenchContext,
  measure: (size: number) => Promise<number>,
  options: { largestOnce?: boolean } = {},
): Promise<Growth> {
  const growth = new Map<number, number[]>(SIZES.map((size) => [size, []]));
  for (let round = 1; round <= context.settings.rounds; round += 1) {
    for (const size of SIZES) {
      if (options.largestOnce && size === LARGEST && round > 1) continue;
      const seconds = await measure(size);
      growth.get(size)?.push(seconds);
      context.log(`round ${round}, ${number(size)} rows: ${number(seconds)} s`);
    }
  }
  return growth;
}

/** Time a row at the last size, as a multiple of that at the first: 1 is linear. */
const LINEAR_MAX = 1.1;

export function growthExpectation(growth: Growth): Expectation {
  const perRow = [...growth].map(([size, seconds]) => median(seconds) / size);
  const factor = (perRow.at(-1) ?? Number.NaN) / (perRow[0] ?? Number.NaN);
  return {
    what: `time a row at ${number(LARGEST)} rows, of that at ${number(SIZES[0])}`,
    wanted: `at most ${LINEAR_MAX} (no worse than linear)`,
    measured: number(factor),
    isMet: factor <= LINEAR_MAX,
  };
}

export function growthMeasures(growth: Growth): Measure[] {
  return [...growth].map(([size, seconds]) => ({
    what: `${number(size)} rows: rows/s`,
    value: median(seconds.map((one) => size / one)),
    better: 'higher',
  }));
}

export function growthSection(growth: Growth, heading: string, text: readonly string[]): Section {
  return {
    heading,
    text,
    table: {
      columns: ['Rows', 'seconds', 'rows/s', 'microseconds a row'],
      rows: [...growth].map(([size, seconds]) => [
        number(size),
        figure(seconds),
        figure(seconds.map((one) => size / one)),
        figure(seconds.map((one) => (one * 1e6) / size)),
      ]),
    },
  };
}
