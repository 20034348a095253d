/** What a pass of a watch may cost at most. */
export interface WatchLimits {
  /** Rows that a lane of what is new or due gives to a pass. */
  readonly laneRowsMax: number;
  /** Rows that a lane that goes round gives. */
  readonly roundRowsMax: number;
  /** Lines of the statements of a lane; a statement that has more comes alone. */
  readonly linesMax: number;
  /** The same of a lane that goes round. */
  readonly roundLinesMax: number;
  /** Overdue payments of each kind. */
  readonly overdueMax: number;
  /** Open problems that are looked at again. */
  readonly recheckMax: number;
  /** Violations of a rule in a slice that are told apart. */
  readonly violationsMax: number;
}

export const DEFAULT_LIMITS: WatchLimits = {
  laneRowsMax: 2_000,
  roundRowsMax: 500,
  linesMax: 20_000,
  roundLinesMax: 1_000,
  overdueMax: 500,
  recheckMax: 200,
  violationsMax: 200,
};
