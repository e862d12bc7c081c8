import { MAX_ALIASES, MAX_NAME, MAX_SUMMARY, MAX_URLS } from './limits.ts';
import type { AdvisorySeverity } from './types.ts';

/** Letters, digits and what ids of advisories are put together from. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._:/+~-]*$/;
const CVE = /^CVE-\d{4}-\d{4,19}$/;

export const isCve = (text: string): boolean => CVE.test(text);

/** An advisory's id as it may be shown and stored; undefined when it is none. */
export function cleanId(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text.length <= 128 && ID.test(text) ? text : undefined;
}

/** Each once, sorted, without the advisory's own id. */
export function cleanAliases(values: Iterable<unknown>, id: string): readonly string[] {
  const found = new Set<string>();
  for (const value of values) {
    const alias = cleanId(value);
    if (alias !== undefined && alias !== id) found.add(alias);
    if (found.size >= MAX_ALIASES) break;
  }
  return [...found].sort();
}

/** A package's name or version: one word, no control characters. */
export function cleanName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not come through
  return text === '' || text.length > MAX_NAME || /[\s\u0000-\u001f\u007f]/.test(text) ? undefined : text;
}

/** Text for people in one line, cut short. */
export function cleanText(value: unknown): string {
  if (typeof value !== 'string') return '';
  const text = value
    .slice(0, MAX_SUMMARY * 4)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal would act on them
    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  return text.length <= MAX_SUMMARY ? text : `${text.slice(0, MAX_SUMMARY - 1)}…`;
}

/** http and https alone: links are shown, and `javascript:` is one too. */
export function cleanUrls(values: Iterable<unknown>): readonly string[] {
  const found = new Set<string>();
  for (const value of values) {
    if (typeof value !== 'string' || value.length > 2_048 || !/^https?:\/\//i.test(value) || !URL.canParse(value))
      continue;
    found.add(new URL(value).href);
    if (found.size >= MAX_URLS) break;
  }
  return [...found];
}

/** No advisory is older than CVE itself by much, none comes from beyond this century. */
const EARLIEST = Date.UTC(1990, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/** ISO 8601, RFC 3339 with or without zone (then UTC), or seconds since the epoch; undefined when it is no such date. */
export function cleanDate(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value).trim();
  const time = /^\d{9,10}$/.test(text) ? Number(text) * 1000 : parseDate(text);
  return time >= EARLIEST && time < LATEST ? new Date(time).toISOString() : undefined;
}

/** Date.parse takes a date without zone as local time, which would differ from machine to machine. */
function parseDate(text: string): number {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?$/i.exec(text);
  if (match === null) return Number.NaN;
  const [, date, time = '00:00:00', zone = 'Z'] = match;
  const offset = /^[+-]/.test(zone) ? zone : 'Z';
  const parsed = Date.parse(`${date}T${time.replace(/(\.\d{3})\d+$/, '$1')}${offset}`);
  // Date.parse makes 1 March of 30 February; such a date says nothing.
  return Number.isNaN(parsed) || new Date(`${date}T00:00:00Z`).toISOString().slice(0, 10) !== date
    ? Number.NaN
    : parsed;
}

/** The words that vendors use for CVSS's severities. */
const SEVERITIES: Readonly<Record<string, AdvisorySeverity>> = {
  critical: 'critical',
  high: 'high',
  important: 'high',
  medium: 'medium',
  moderate: 'medium',
  low: 'low',
  negligible: 'low',
  unimportant: 'none',
  none: 'none',
};

/** `Important` (Red Hat), `MODERATE` (GitHub), `not yet assigned` → undefined. */
export function cleanSeverity(value: unknown): AdvisorySeverity | undefined {
  if (typeof value !== 'string') return undefined;
  const word = value.trim().toLowerCase().replace(/\*+$/, '');
  return Object.hasOwn(SEVERITIES, word) ? SEVERITIES[word] : undefined;
}

const RANKS: readonly AdvisorySeverity[] = ['none', 'low', 'medium', 'high', 'critical'];

export function worstSeverity(values: Iterable<AdvisorySeverity | undefined>): AdvisorySeverity | undefined {
  let worst = -1;
  for (const value of values) if (value !== undefined) worst = Math.max(worst, RANKS.indexOf(value));
  return RANKS[worst];
}
