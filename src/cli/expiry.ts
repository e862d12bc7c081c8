import { cliError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** RFC 3339 of `2027-01-31`, `2027-01-31T12:00Z`, or `90d` (m, h, d, w) from now. @throws CLI_USAGE */
export function expiryOf(text: string, now = Date.now()): string {
  const span = /^(\d{1,6})([mhdw])$/.exec(text);
  const time = span === null ? dateOf(text) : now + Number(span[1]) * (UNITS[span[2] ?? ''] ?? 0);
  if (!Number.isNaN(time) && time > now) return new Date(time).toISOString();
  throw cliError('CLI_USAGE', `--expires takes a date to come or 90d, 12h, not ${JSON.stringify(text)}`);
}

const dateOf = (text: string): number =>
  /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
