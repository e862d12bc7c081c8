import { type Grading, gradeOf } from './grade.ts';
import { DEFAULT_GRADE_POLICY, type GradePolicy, supportedUntil } from './grade-policy.ts';
import type { Finding, UpdateCheck } from './types.ts';

/**
 * The grade of one image from its update check.
 * @param now seconds since the epoch
 * @param distribution whose end of support counts
 */
export function gradeCheck(
  check: UpdateCheck,
  now: number,
  distribution?: string,
  policy: GradePolicy = DEFAULT_GRADE_POLICY,
): Grading {
  const findings = check.kind === 'checked' ? check.findings : [];
  const oldest = (severity: Finding['severity']): number | undefined => {
    const dates = findings.filter((item) => item.severity === severity).map((item) => Date.parse(item.since) / 1000);
    return dates.length === 0 ? undefined : dates.reduce((a, b) => Math.min(a, b));
  };
  const exposure = {
    oldestCritical: oldest('critical'),
    oldestImportant: oldest('important'),
    unsupported: check.kind === 'unsupported',
    supportedUntil: supportedUntil(distribution, policy),
  };
  return gradeOf(exposure, now, policy.thresholds);
}
