/** The five fields of crontab(5): minute, hour, day of month, month, day of week. */
export interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Both kinds of days are restricted: one that fits either counts, as cron has it. */
  readonly either: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface Field {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  { from: 1, to: 12, names: MONTHS },
  // 7 is Sunday too.
  { from: 0, to: 7, names: WEEKDAYS },
];

/** Undefined when it is none. */
export function parseCron(text: string): Cron | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== FIELDS.length) return undefined;
  const sets = FIELDS.map((field, index) => valuesOf(fields[index] ?? '', field));
  const [minutes, hours, days, months, weekdays] = sets;
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  const either = !fields[2]?.startsWith('*') && !fields[4]?.startsWith('*');
  return { minutes, hours, days, months, weekdays: new Set([...weekdays].map((day) => day % 7)), either };
}

function valuesOf(text: string, field: Field): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|([0-9a-z]{1,3})(?:-([0-9a-z]{1,3}))?)(?:\/(\d{1,2}))?$/i.exec(part);
    if (match === null) return undefined;
    const step = Number(match[3] ?? 1);
    const from = match[1] === undefined ? field.from : numberOf(match[1], field);
    const last = match[1] === undefined || (match[3] !== undefined && match[2] === undefined) ? field.to : from;
    const to = match[2] === undefined ? last : numberOf(match[2], field);
    if (from === undefined || to === undefined || from > to || step === 0) return undefined;
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return values;
}

function numberOf(text: string, { from, to, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  const value = named >= 0 ? named + (names === MONTHS ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value >= from && value <= to ? value : undefined;
}

/** Whether it can begin on a day at all. */
export function fitsDay(cron: Cron, day: { readonly month: number; readonly day: number }, weekday: number): boolean {
  if (!cron.months.has(day.month)) return false;
  const [byMonth, byWeek] = [cron.days.has(day.day), cron.weekdays.has(weekday)];
  return cron.either ? byMonth || byWeek : byMonth && byWeek;
}
