/** Where "now" comes from; tests and reproducible builds pass a fixed one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

export function fixedClock(milliseconds: number): Clock {
  return { now: () => milliseconds };
}
