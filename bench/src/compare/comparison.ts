import { figure, median, number } from '../report/figures.ts';
import type { Measure, Report } from '../report/report.ts';

/** One figure of both commits, a value for each round. */
export interface Compared {
  readonly what: string;
  readonly better: Measure['better'];
  readonly before: readonly number[];
  readonly now: readonly number[];
}

export type Verdict = 'better' | 'no worse than the noise' | '**worse**';

/** The measures of a bench's runs, one list a round, by what they are about. */
export function pair(before: readonly Measure[][], now: readonly Measure[][]): Compared[] {
  const valuesOf = (rounds: readonly Measure[][], what: string): number[] =>
    rounds.flatMap((round) => round.filter((one) => one.what === what).map(({ value }) => value));
  return (now[0] ?? []).map(({ what, better }) => ({
    what,
    better,
    before: valuesOf(before, what),
    now: valuesOf(now, what),
  }));
}

/** How much of its median a figure differs by from round to round: the larger of both commits. */
export function noiseOf({ before, now }: Compared): number {
  const spread = (values: readonly number[]) =>
    (Math.max(...values) - Math.min(...values)) / median(values);
  return Math.max(spread(before), spread(now));
}

/** The median now over that before. */
export function ratioOf({ before, now }: Compared): number {
  return median(now) / median(before);
}

export function verdictOf(compared: Compared): Verdict {
  const ratio = ratioOf(compared);
  const gain = compared.better === 'higher' ? ratio - 1 : 1 - ratio;
  const noise = noiseOf(compared);
  if (gain > noise) return 'better';
  return gain < -noise ? '**worse**' : 'no worse than the noise';
}

/** A line for each figure, for the terminal. */
export function verdictLines(all: readonly Compared[]): string[] {
  return all.map((one) => {
    const [ratio, noise] = [number(ratioOf(one)), number(noiseOf(one) * 100)];
    return `${one.what}: ${ratio} of before, noise ${noise} %: ${verdictOf(one)}`;
  });
}

export function comparisonReport(all: readonly Compared[], commit: string): Report {
  return {
    summary: [
      `The commit ${commit} and this one in one run, on one machine: in each round first the one, ` +
        'then the other, in the next round the other way round. Each time a whole system is ' +
        'started anew from the builds of its commit, with servers and data of its own; the load ' +
        'generator is the same.',
      'The ratio is that of the medians. The noise is how far the rounds of one commit lie apart, ' +
        'of its median; the larger of both counts. Worse is what is worse by more than that.',
    ],
    expectations: [],
    sections: [
      {
        heading: 'Before and now',
        table: {
          columns: ['', 'better is', commit, 'this commit', 'ratio', 'noise', ''],
          rows: all.map((one) => [
            one.what,
            one.better,
            figure(one.before),
            figure(one.now),
            number(ratioOf(one)),
            `${number(noiseOf(one) * 100)} %`,
            verdictOf(one),
          ]),
        },
      },
    ],
  };
}
