/** The middle value; of an even count the mean of the middle two. @throws Error without values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('There is no median of nothing.');
  return (upper + lower) / 2;
}

/** With separators, and as many decimals as are worth reading: `12,345`, `12.3`, `1.23`. */
export function number(value: number): string {
  const size = Math.abs(value);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** The median of all rounds with their spread: `9,712 (9,500 to 9,800)`. */
export function figure(values: readonly number[]): string {
  const middle = number(median(values));
  if (values.length === 1) return middle;
  return `${middle} (${number(Math.min(...values))} to ${number(Math.max(...values))})`;
}

/** Round by round, so that what slowed a whole round down slows both of its parts. */
export function ratios(values: readonly number[], bases: readonly number[]): number[] {
  return values.map((value, index) => value / (bases[index] ?? Number.NaN));
}
