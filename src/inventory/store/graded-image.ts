import { type Exposure, type Grade, gradeOf } from '../grade.ts';
import { type GradePolicy, lastDayOf, supportedUntil } from '../grade-policy.ts';

/** `unsupported`: no repository is known for it; `unchecked`: nobody looked yet. Neither means "up to date". */
export type CheckStatus = 'checked' | 'unsupported' | 'unchecked';

/** What update checks came to for an image. */
export interface GradedImage {
  readonly status: CheckStatus;
  readonly reason: string;
  readonly grade: Grade | undefined;
  /** ISO 8601: when the grade drops if nothing is done. */
  readonly dropsAt: string | undefined;
  /** What the grade is a function of, for whoever grades by another policy; undefined when unchecked. */
  readonly exposure: Exposure | undefined;
  /** The day (ISO 8601) on which its distribution's support ended or will; undefined where nobody says. */
  readonly endOfSupport: string | undefined;
}

/** The columns it comes from: of image, package_set, exposure (null: none) and scope_check (null: none). */
export interface CheckedRow {
  readonly distribution: string;
  readonly scope_status: string | null;
  readonly reason: string | null;
  readonly packages: number;
  readonly checked: number | null;
  readonly oldest_critical: Date | null;
  readonly oldest_important: Date | null;
}

export function gradedImage(row: CheckedRow, now: Date, policy: GradePolicy): GradedImage {
  const status = statusOf(row);
  const exposure: Exposure | undefined =
    status === 'unchecked'
      ? undefined
      : {
          oldestCritical: seconds(row.oldest_critical),
          oldestImportant: seconds(row.oldest_important),
          unsupported: status === 'unsupported',
          supportedUntil: supportedUntil(row.distribution, policy),
        };
  const grading = exposure === undefined ? undefined : gradeOf(exposure, now.getTime() / 1000, policy.thresholds);
  return {
    status,
    reason: status === 'unsupported' ? (row.reason ?? 'no distribution was recognised') : '',
    grade: grading?.grade,
    dropsAt: grading?.dropsAt === undefined ? undefined : new Date(grading.dropsAt * 1000).toISOString(),
    exposure,
    endOfSupport: lastDayOf(row.distribution, policy),
  };
}

/** An image without packages, or of no known distribution, has nothing a repository could serve. */
function statusOf(row: CheckedRow): CheckStatus {
  if (row.distribution === '' || row.scope_status === 'unsupported' || row.packages === 0) return 'unsupported';
  return row.scope_status === null || row.checked === null || row.checked < row.packages ? 'unchecked' : 'checked';
}

function seconds(date: Date | null): number | undefined {
  return date === null ? undefined : date.getTime() / 1000;
}
