import { type FleetRolloutWindow, fitsDay, parseCron, WEEKDAYS } from '../../recipe/index.ts';

import { localDay, momentOf, plusDays, weekday } from './local-time.ts';

/** Whether changes are welcome at a moment; times are milliseconds since the epoch. */
export type WindowState =
  | { readonly open: true /** Infinity without windows. */; readonly until: number }
  /** Undefined: it never opens again within a year and a half. */
  | { readonly open: false; readonly opens: number | undefined };

interface Span {
  readonly from: number;
  readonly to: number;
}

const SEARCH_DAYS = 550;
const MINUTES_OF_DAY = 1_440;

/** No windows: always open. Several: open while any of them is. */
export function windowState(windows: readonly FleetRolloutWindow[], now: number): WindowState {
  if (windows.length === 0) return { open: true, until: Number.POSITIVE_INFINITY };
  const open = windows.flatMap((window) => spansAround(window, now)).filter(({ from, to }) => from <= now && now < to);
  if (open.length > 0) return { open: true, until: Math.max(...open.map(({ to }) => to)) };
  const opens = windows.flatMap((window) => nextOpening(window, now) ?? []);
  return { open: false, opens: opens.length === 0 ? undefined : Math.min(...opens) };
}

const zoneOf = ({ timeZone = 'UTC' }: FleetRolloutWindow): string => timeZone;

/** Those that may cover `now`: began within the longest duration. */
function spansAround(window: FleetRolloutWindow, now: number): readonly Span[] {
  const today = localDay(now, zoneOf(window));
  const back = Math.ceil((window.duration ?? 86_400) / 86_400) + 1;
  return Array.from({ length: back + 1 }, (_, i) => spansOf(window, plusDays(today, i - back))).flat();
}

function nextOpening(window: FleetRolloutWindow, now: number): number | undefined {
  const today = localDay(now, zoneOf(window));
  for (let days = 0; days <= SEARCH_DAYS; days += 1) {
    const starts = spansOf(window, plusDays(today, days)).flatMap(({ from }) => (from > now ? [from] : []));
    if (starts.length > 0) return Math.min(...starts);
  }
  return undefined;
}

/** The spans that begin on a day there. */
function spansOf(window: FleetRolloutWindow, day: Parameters<typeof weekday>[0]): readonly Span[] {
  const timeZone = zoneOf(window);
  if (window.cron !== undefined) {
    const cron = parseCron(window.cron);
    if (cron === undefined || !fitsDay(cron, day, weekday(day))) return [];
    const length = (window.duration ?? 0) * 1_000;
    return [...cron.hours].flatMap((hour) =>
      [...cron.minutes].map((minute) => {
        const from = momentOf(day, hour * 60 + minute, timeZone);
        return { from, to: from + length };
      }),
    );
  }
  if (window.days !== undefined && !window.days.includes(WEEKDAYS[weekday(day)] as never)) return [];
  const [from, to] = [minutesOf(window.from ?? '00:00'), minutesOf(window.to ?? '24:00')];
  const end = to > from ? momentAt(day, to, timeZone) : momentAt(plusDays(day, 1), to, timeZone);
  return [{ from: momentOf(day, from, timeZone), to: end }];
}

/** 24:00 is the next day's 00:00. */
const momentAt = (day: Parameters<typeof weekday>[0], minutes: number, timeZone: string): number =>
  minutes === MINUTES_OF_DAY ? momentOf(plusDays(day, 1), 0, timeZone) : momentOf(day, minutes, timeZone);

/** `HH:MM`, as the schema has checked it. */
export function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}
