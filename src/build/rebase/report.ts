import type { PackageChange } from '../types.ts';

/** Why swapping the base cannot be proved safe. */
export type RebaseConflict =
  /** Child and new base both change this path: the child's copy would hide the base's update. */
  | { readonly kind: 'path'; readonly path: string; readonly base: BaseChange; readonly child: 'writes' | 'deletes' }
  /** Child and new base both change the same package. */
  | { readonly kind: 'package'; readonly package: string; readonly reason: string }
  /** A package of the child depends on something the new base no longer satisfies, or conflicts with it. */
  | { readonly kind: 'dependency'; readonly package: string; readonly relation: string }
  /** A library that the child's programs are linked against is gone from the new base, or lost symbols. */
  | { readonly kind: 'library'; readonly soname: string; readonly neededBy: string; readonly reason: string }
  /** The same entry of a shared list (passwd, group, …) was changed on both sides. */
  | { readonly kind: 'entry'; readonly path: string; readonly key: string };

export type BaseChange = 'added' | 'removed' | 'changed';

/** What was looked at before the base was swapped; stored beside the image. */
export interface RebaseReport {
  readonly safe: boolean;
  readonly conflicts: readonly RebaseConflict[];
  /** Paths of the child that also exist in the base, but that the base did not change. */
  readonly overlapping: readonly string[];
  /** Files merged from three sides into a layer of their own. */
  readonly merged: readonly string[];
  readonly librariesChecked: readonly string[];
  readonly packages: readonly PackageChange[];
}

/** One line per conflict, for people. */
export function describeConflict(conflict: RebaseConflict): string {
  switch (conflict.kind) {
    case 'path':
      return `/${conflict.path}: the child ${conflict.child} it and the new base ${conflict.base === 'removed' ? 'removes' : conflict.base === 'added' ? 'adds' : 'changes'} it`;
    case 'package':
      return `package ${conflict.package}: ${conflict.reason}`;
    case 'dependency':
      return `package ${conflict.package}: ${conflict.relation}`;
    case 'library':
      return `${conflict.neededBy} is linked against ${conflict.soname}: ${conflict.reason}`;
    case 'entry':
      return `/${conflict.path}: both sides change the entry ${JSON.stringify(conflict.key)}`;
  }
}
