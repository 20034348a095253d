/** Where the time comes from; a test gives its own. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** The machine's clock, ahead or behind by a time in milliseconds. */
export function movedClock(offsetMs = 0): Clock {
  return offsetMs === 0 ? systemClock : { now: () => new Date(Date.now() + offsetMs) };
}
