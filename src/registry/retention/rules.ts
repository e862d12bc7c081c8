import { matchesGlob } from './glob.ts';

/** What stays in the repositories that a pattern fits. A tag stays when any of these wants it. */
export interface RetentionRule {
  /** Glob over repository names; the first rule that fits a repository is its own. */
  readonly repositories: string;
  /** The n tags pushed last. */
  readonly newest?: number;
  /** Tags pushed in the last days. */
  readonly newerThan?: number;
  /** Globs over tags. */
  readonly tags?: readonly string[];
  /** What runs, as workloads were last seen; true unless said otherwise. */
  readonly running?: boolean;
  /** What the fleet released; true unless said otherwise. */
  readonly released?: boolean;
  /** Bases of images in use, and what a rollback would go back to; true unless said otherwise. */
  readonly lineage?: boolean;
  /** Days after which manifests go that have no tag and that nothing names; without it they stay. */
  readonly untagged?: number;
}

/** Undefined: nothing in this repository is ever removed. */
export function ruleFor(rules: readonly RetentionRule[], repository: string): RetentionRule | undefined {
  return rules.find((rule) => matchesGlob(rule.repositories, repository));
}
