/** What is remembered of wrong passwords for one account from one address. */
export interface Failures {
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly last: number;
  /** No try before this. */
  readonly until: number;
}

/** Wrong tries that cost nothing: people mistype, scripts run with yesterday's password. */
const FREE = 5;
const FIRST_WAIT = 1_000;
/** So nobody is locked out for longer than this by anybody. */
export const LONGEST_WAIT = 15 * 60_000;
/** Failures this old are forgotten. */
export const FORGET_AFTER = 24 * 3_600_000;

/** After one more wrong try: the sixth waits one second, each further one twice as long, at most 15 minutes. */
export function afterFailure(before: Failures | undefined, now: number): Failures {
  const count = before === undefined || now - before.last > FORGET_AFTER ? 1 : before.count + 1;
  const wait = count <= FREE ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(count - FREE - 1, 30));
  return { count, last: now, until: now + wait };
}

/** Milliseconds to wait; 0 when a try is allowed. A clock that went back makes nobody wait longer. */
export function waitOf(failures: Failures | undefined, now: number): number {
  if (failures === undefined) return 0;
  return Math.min(LONGEST_WAIT, Math.max(0, failures.until - now));
}
