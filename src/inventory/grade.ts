import type { AdvisorySeverity } from '../advisory/index.ts';

/** A best, F worst. */
export type Grade = 'A' | 'B' | 'C' | 'D' | 'E' | 'F';

export type Severity = 'critical' | 'important' | 'other';

/** Days an unapplied update of each severity may be old for the grade. */
export interface GradeThreshold {
  readonly grade: Grade;
  readonly critical: number;
  readonly important: number;
}

/**
 * Best first. The scale of a container health index: A none unapplied, then by the age of the oldest one missed;
 * E is anything older; F is end of life or a distribution nothing is known about.
 */
export const GRADE_THRESHOLDS: readonly GradeThreshold[] = [
  { grade: 'B', critical: 7, important: 30 },
  { grade: 'C', critical: 30, important: 90 },
  { grade: 'D', critical: 90, important: 365 },
];

/** What the grade depends on. `other` updates (bug fixes) never lower it. */
export interface Exposure {
  /** Seconds since the epoch of the oldest unapplied update; undefined when there is none. */
  readonly oldestCritical: number | undefined;
  readonly oldestImportant: number | undefined;
  /** Nothing publishes updates for this image any more, or nobody knows who does. */
  readonly unsupported: boolean;
  /** The last second of the distribution's support (since the epoch); undefined where no end is known. */
  readonly supportedUntil?: number | undefined;
}

export interface Grading {
  readonly grade: Grade;
  /** When the grade drops if nobody does anything (seconds since the epoch); undefined when it cannot drop by age. */
  readonly dropsAt: number | undefined;
  readonly dropsTo: Grade | undefined;
}

const DAY = 86_400;

/**
 * @param now seconds since the epoch
 * @param thresholds best grade first, rising ages
 */
export function gradeOf(
  exposure: Exposure,
  now: number,
  thresholds: readonly GradeThreshold[] = GRADE_THRESHOLDS,
): Grading {
  const until = exposure.supportedUntil ?? Number.POSITIVE_INFINITY;
  if (exposure.unsupported || now > until) return { grade: 'F', dropsAt: undefined, dropsTo: undefined };
  const byAge = gradeByAge(exposure, now, thresholds);
  // Without updates there is nothing left to grade by: the end of support comes before an age that drops less far.
  if (until < (byAge.dropsAt ?? Number.POSITIVE_INFINITY)) return { grade: byAge.grade, dropsAt: until, dropsTo: 'F' };
  return byAge;
}

function gradeByAge(exposure: Exposure, now: number, thresholds: readonly GradeThreshold[]): Grading {
  if (exposure.oldestCritical === undefined && exposure.oldestImportant === undefined) {
    return { grade: 'A', dropsAt: undefined, dropsTo: undefined };
  }
  for (const [index, threshold] of thresholds.entries()) {
    const ends = Math.min(
      (exposure.oldestCritical ?? Number.POSITIVE_INFINITY) + threshold.critical * DAY,
      (exposure.oldestImportant ?? Number.POSITIVE_INFINITY) + threshold.important * DAY,
    );
    // A clock that runs behind the repository's must not make an age negative and the grade wrong: min() covers it.
    if (now <= ends) return { grade: threshold.grade, dropsAt: ends, dropsTo: thresholds[index + 1]?.grade ?? 'E' };
  }
  return { grade: 'E', dropsAt: undefined, dropsTo: undefined };
}

/** The last second of a day (ISO 8601), since the epoch. */
export function endOfDay(day: string | undefined): number | undefined {
  return day === undefined ? undefined : Date.parse(`${day}T23:59:59Z`) / 1000;
}

/** Debian changelog urgencies (deb-changelog(5)) that make a security update critical. */
const URGENT: ReadonlySet<string> = new Set(['high', 'emergency', 'critical']);

/** Ratings of imported advisories → severity; medium and low ones never lower a grade, as bug fixes do not. */
const RATED: Readonly<Record<AdvisorySeverity, Severity>> = {
  critical: 'critical',
  high: 'important',
  medium: 'other',
  low: 'other',
  none: 'other',
};
const WORST_FIRST: readonly Severity[] = ['critical', 'important', 'other'];

/**
 * Distributions' package repositories carry no CVSS. What they do carry: the security pocket, the uploader's urgency
 * and the CVE ids a fix names. A fix that names CVEs but came through a point release is important, not other.
 *
 * Where imported advisories rate every id that is fixed, the worst rating decides instead; where they rate some, they
 * can only make it worse. Ids that are no issue here count for nothing.
 */
export function severityOf(update: {
  readonly security: boolean;
  readonly urgencies: readonly string[];
  readonly advisories: readonly string[];
  readonly ratings?: ReadonlyMap<string, AdvisorySeverity>;
  readonly notAffected?: ReadonlySet<string> | ReadonlyMap<string, unknown>;
}): Severity {
  const { advisories, ratings = new Map<string, AdvisorySeverity>(), notAffected } = update;
  const open = advisories.filter((id) => notAffected?.has(id) !== true);
  if (advisories.length > 0 && open.length === 0) return 'other';
  const rated = open.flatMap((id) => ratings.get(id) ?? []).map((rating) => RATED[rating]);
  const told = WORST_FIRST.find((severity) => rated.includes(severity));
  if (told !== undefined && rated.length === open.length) return told;
  if (told === 'critical') return told;
  if (update.security && update.urgencies.some((urgency) => URGENT.has(urgency))) return 'critical';
  return update.security || open.length > 0 ? 'important' : 'other';
}
