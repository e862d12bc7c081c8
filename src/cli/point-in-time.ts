import { cliError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** RFC 3339 of `2026-01-31` (its beginning, UTC), `2026-01-31T12:00Z`, or `7d` (m, h, d, w) ago. @throws CLI_USAGE */
export function pointInTime(option: string, text: string, now = Date.now()): string {
  const span = /^(\d{1,6})([mhdw])$/.exec(text);
  const dated = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  const time =
    span !== null ? now - Number(span[1]) * (UNITS[span[2] ?? ''] ?? 0) : dated ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw cliError('CLI_USAGE', `${option} takes a date (2026-01-31) or an age (7d, 12h), not ${JSON.stringify(text)}`);
}

/** A number of rows. @throws CLI_USAGE */
export function rowLimit(text: string): number {
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw cliError('CLI_USAGE', `--limit takes a whole number above 0, not ${JSON.stringify(text)}`);
}
