import { lastDayOfSupport } from '../distro/index.ts';
import { endOfDay, GRADE_THRESHOLDS, type GradeThreshold } from './grade.ts';

/** What a team may set its grades by. */
export interface GradePolicy {
  /** Best grade first. */
  readonly thresholds: readonly GradeThreshold[];
  /** Last day of support by distribution, where it differs from what is known: bought extended support. */
  readonly endOfSupport: Readonly<Record<string, string>>;
}

export const DEFAULT_GRADE_POLICY: GradePolicy = { thresholds: GRADE_THRESHOLDS, endOfSupport: {} };

/** Days that an update of each severity may be old. */
type Ages = { readonly critical?: number; readonly important?: number };

/** As a fleet file writes it: grades that are left out keep their thresholds. */
export interface GradeSettings {
  readonly grades?: { readonly B?: Ages; readonly C?: Ages; readonly D?: Ages };
  readonly endOfSupport?: Readonly<Record<string, string>>;
}

/** @param base what settings leave out comes from here: a workload's from its fleet's */
export function gradePolicyOf(
  settings: GradeSettings | undefined,
  base: GradePolicy = DEFAULT_GRADE_POLICY,
): GradePolicy {
  const { grades = {}, endOfSupport = {} } = settings ?? {};
  return {
    thresholds: base.thresholds.map((threshold) => ({ ...threshold, ...grades[threshold.grade as 'B' | 'C' | 'D'] })),
    endOfSupport: { ...base.endOfSupport, ...endOfSupport },
  };
}

/** The last day on which a distribution is supported; undefined where nobody says. */
export function lastDayOf(distribution: string, policy: GradePolicy): string | undefined {
  return Object.hasOwn(policy.endOfSupport, distribution)
    ? policy.endOfSupport[distribution]
    : lastDayOfSupport(distribution);
}

/** The same in seconds since the epoch. */
export const supportedUntil = (distribution: string | undefined, policy: GradePolicy): number | undefined =>
  distribution === undefined ? undefined : endOfDay(lastDayOf(distribution, policy));
