/** The longest rest between two rounds while there is much to do. */
const PACE_MAX_MS = 25;

/**
 * How long a loop rests after a round of so many rows: a millisecond for each, up to a bound. Under
 * load rounds become fewer and fuller, which is what a broker and a database are cheap at; a lone
 * row waits for nothing, since the rest comes after it. A full round shows that more waits already.
 */
export function paceMs(rows: number, rowsMax: number): number {
  return rows >= rowsMax ? 0 : Math.min(rows, PACE_MAX_MS);
}
