import type { ChangelogEntry } from '../types.ts';
import { compareVersions } from './version.ts';

/** Characters of a changelog that are read (linux has 3 MiB, gcc 1 MiB); what lies further back is older than any image. */
export const MAX_CHANGELOG_CHARACTERS = 16 * 1024 * 1024;

const HEADING = /^(\S+) \(([^()\s]+)\)((?:\s+[\w.+-]+)+);\s*(.*)$/;
const TRAILER = /^ -- .*>\s+(.*)$/;
const URGENCY = /\burgency=\s*([\w-]+)/i;
const CVE = /\bCVE-((?:19|20)\d{2}-\d{4,7})\b/gi;
const DATE = /^(?:\w{3},\s*)?(\d{1,2})\s+(\w{3})\w*\s+(\d{4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|UTC|GMT)?/;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** RFC 5322 dates as changelogs write them, their common slips included. Seconds since the epoch. */
export function parseChangelogDate(text: string): number | undefined {
  const match = DATE.exec(text.trim());
  if (match === null) return undefined;
  const [, day, month = '', year, hour, minute, second = '0', zone = '+0000'] = match;
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  if (monthIndex < 0) return undefined;
  const local = Date.UTC(Number(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second)) / 1000;
  if (!/^[+-]/.test(zone)) return local;
  const offset = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5))) * 60;
  return zone.startsWith('-') ? local + offset : local - offset;
}

/** CVE ids in a text, sorted by year and number, each once. */
export function advisoriesIn(text: string): readonly string[] {
  const ids = new Set([...text.matchAll(CVE)].map(([, id = '']) => `CVE-${id}`));
  return [...ids].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/**
 * All entries of an uncompressed Debian changelog, newest first as they stand there.
 * Text that is no entry (old free-form history) ends the reading or is skipped; it is never an error.
 *
 * @see https://www.debian.org/doc/debian-policy/ch-source.html#debian-changelog-debian-changelog
 */
export function readChangelog(bytes: Uint8Array): readonly ChangelogEntry[] {
  const text = Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.byteLength, MAX_CHANGELOG_CHARACTERS),
  ).toString('utf8');
  const entries: ChangelogEntry[] = [];
  let heading: RegExpExecArray | undefined;
  let body: string[] = [];
  let date: number | undefined;
  const finish = (): void => {
    if (heading === undefined) return;
    const [, source = '', version = '', distributions = '', keywords = ''] = heading;
    const urgency = URGENCY.exec(keywords)?.[1]?.toLowerCase() ?? '';
    const advisories = advisoriesIn(body.join('\n'));
    entries.push({ source, version, distributions: distributions.trim(), urgency, date, advisories });
    heading = undefined;
  };
  for (const line of text.split('\n')) {
    const next = HEADING.exec(line);
    if (next !== null) {
      finish();
      heading = next;
      body = [];
      date = undefined;
    } else if (heading !== undefined) {
      const trailer = TRAILER.exec(line);
      if (trailer?.[1] === undefined) body.push(line);
      else date = parseChangelogDate(trailer[1]);
    }
  }
  finish();
  return entries;
}

const UNRELEASED = /^(?:unstable|experimental|sid|UNRELEASED)\b/;

/** What an update brings. */
export interface MissedAdvisories {
  /** CVE ids of the entries after the installed version, sorted. */
  readonly advisories: readonly string[];
  /** Seconds since the epoch: when the oldest update that is missing was made. */
  readonly since: number | undefined;
}

/** Entries newer than the installed and not newer than the candidate source version. */
export function advisoriesBetween(
  entries: readonly ChangelogEntry[],
  installedVersion: string,
  candidateVersion: string,
): MissedAdvisories {
  const missed = entries.filter(
    (entry) =>
      compareVersions(entry.version, installedVersion) > 0 && compareVersions(entry.version, candidateVersion) <= 0,
  );
  // A stable update that packages a newer upstream version lists uploads to unstable too, which were never on offer here.
  const released = missed.filter((entry) => !UNRELEASED.test(entry.distributions));
  const dates = (released.length > 0 ? released : missed).flatMap((entry) => entry.date ?? []);
  return {
    advisories: advisoriesIn(missed.flatMap((entry) => entry.advisories).join(' ')),
    since: dates.length === 0 ? undefined : Math.min(...dates),
  };
}
