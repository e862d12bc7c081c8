/** How bad: an `error` gives something away or cannot work, a `warning` should be mended, `info` is worth knowing. */
export type LintSeverity = 'error' | 'warning' | 'info';

export const SEVERITIES: readonly LintSeverity[] = ['error', 'warning', 'info'];

/** What a rule found. */
export interface LintHit {
  readonly message: string;
  /** Path below the root, of images. */
  readonly path?: string;
  /** Diff id of the layer that brought it. */
  readonly layer?: string;
  /** From 1, of Dockerfiles. */
  readonly line?: number;
}

export interface LintProblem extends LintHit {
  /** Stable id of the rule: what `--ignore` and `heraklit ignore=` take. */
  readonly rule: string;
  readonly severity: LintSeverity;
}

/** One rule over images or over Dockerfiles. */
export interface LintRule<Subject> {
  readonly id: string;
  readonly severity: LintSeverity;
  /** What is wrong where it hits, and what to do about it. */
  readonly meaning: string;
  check(subject: Subject): Iterable<LintHit>;
}

/** Hits of one rule that are told one by one; the rest is counted. */
const MAX_HITS = 20;

/** Runs rules; those that are ignored do not run. Sorted by severity, then place. */
export function runRules<Subject>(
  rules: readonly LintRule<Subject>[],
  subject: Subject,
  ignored: ReadonlySet<string>,
): readonly LintProblem[] {
  const problems = rules
    .filter((rule) => !ignored.has(rule.id))
    .flatMap((rule) => {
      const hits = [...rule.check(subject)];
      const more = hits.length - MAX_HITS;
      const told = more > 0 ? [...hits.slice(0, MAX_HITS), { message: `and ${more} more of these` }] : hits;
      return told.map((hit) => ({ rule: rule.id, severity: rule.severity, ...hit }));
    });
  const rank = (problem: LintProblem): number => SEVERITIES.indexOf(problem.severity);
  return problems.sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
}

/** True where a problem is as bad as the threshold, or worse. */
export const reaches = (problem: LintProblem, threshold: LintSeverity): boolean =>
  SEVERITIES.indexOf(problem.severity) <= SEVERITIES.indexOf(threshold);
