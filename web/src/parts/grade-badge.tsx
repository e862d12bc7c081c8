import type { Grade } from '../../../src/http/contract.ts';

export const GRADE_MEANINGS: Readonly<Record<Grade, string>> = {
  A: 'no security update missed',
  B: 'security updates missed for days',
  C: 'security updates missed for weeks',
  D: 'security updates missed for months',
  E: 'security updates missed for longer',
  F: 'nothing publishes updates any more',
};

interface GradeBadgeProps {
  readonly grade: Grade | null;
  readonly why?: string | null;
  /** When the grade drops if nothing is done. */
  readonly dropsAt?: string | null | undefined;
}

export function GradeBadge({ grade, why, dropsAt }: GradeBadgeProps) {
  if (grade === null) {
    return (
      <span className="grade grade-none" title={why ?? 'not known'}>
        –<span className="hidden">grade not known</span>
      </span>
    );
  }
  const drops = dropsAt == null ? '' : `; drops on ${dropsAt.slice(0, 10)}`;
  return (
    <span className={`grade grade-${grade}`} title={`Grade ${grade}: ${GRADE_MEANINGS[grade]}${drops}`}>
      {grade}
    </span>
  );
}
