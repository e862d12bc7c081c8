/** Times of day as people of a time zone read them off the wall. */

/** A day of a calendar; month from 1. */
export interface LocalDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const DAY = 86_400_000;
const MINUTE = 60_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, made);
  return made;
}

/** Milliseconds since the epoch that the wall clock would show if it hung in Greenwich. */
function wallClock(at: number, timeZone: string): number {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
}

export function localDay(at: number, timeZone: string): LocalDay {
  return dayOf(wallClock(at, timeZone));
}

function dayOf(wall: number): LocalDay {
  const date = new Date(wall);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

export const plusDays = ({ year, month, day }: LocalDay, days: number): LocalDay =>
  dayOf(Date.UTC(year, month - 1, day) + days * DAY);

/** 0 is Sunday. */
export const weekday = ({ year, month, day }: LocalDay): number => new Date(Date.UTC(year, month - 1, day)).getUTCDay();

/**
 * The moment when clocks there show that time, in milliseconds since the epoch. A time that a change to summer time leaves
 * out is as much later as the change takes away; one that comes twice is the first of both.
 */
export function momentOf({ year, month, day }: LocalDay, minutes: number, timeZone: string): number {
  const wanted = Date.UTC(year, month - 1, day) + minutes * MINUTE;
  // The offset before and after any change near by; no zone changes twice within two days.
  const before = wallClock(wanted - DAY, timeZone) - (wanted - DAY);
  const after = wallClock(wanted + DAY, timeZone) - (wanted + DAY);
  const candidates = [wanted - before, wanted - after].filter((at) => wallClock(at, timeZone) === wanted);
  return candidates.length === 0 ? wanted - before : Math.min(...candidates);
}
