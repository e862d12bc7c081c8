import type { PackageChange } from '../types.ts';

/** Why swapping the base cannot be proved safe. schemas/rebase-report.schema.json says the same. */
export type RebaseConflict =
  /** Child and new base both change this path: the child's copy would hide the base's update. */
  | { readonly kind: 'path'; readonly path: string; readonly base: BaseChange; readonly child: 'writes' | 'deletes' }
  /** Child and new base both change the same package. */
  | { readonly kind: 'package'; readonly package: string; readonly reason: string }
  /** A package of the child depends on something the new base no longer satisfies, or conflicts with it. */
  | { readonly kind: 'dependency'; readonly package: string; readonly relation: string }
  /** A library that the child's programs are linked against is gone from the new base, or lost symbols. */
  | { readonly kind: 'library'; readonly soname: string; readonly neededBy: string; readonly reason: string }
  /** The same entry of a shared list (passwd, group, …) or line of a settings file was changed on both sides. */
  | { readonly kind: 'entry'; readonly path: string; readonly key: string }
  /** A package database whose form is not merged. */
  | { readonly kind: 'database'; readonly path: string; readonly family: 'rpm' }
  /** An account's number clashes, or would be another one. */
  | { readonly kind: 'account'; readonly path: string; readonly account: string; readonly reason: string }
  /** The child removed or re-owned files as if by a pattern that this file of the new base's could have met. */
  | { readonly kind: 'pattern'; readonly path: string; readonly reason: string }
  /** A file of the child's was made from files that the new base changes. */
  | { readonly kind: 'derived'; readonly path: string; readonly from: string; readonly reason: string }
  /** An interpreter changes its minor version, and the child has modules or programs for it. */
  | {
      readonly kind: 'runtime';
      readonly language: string;
      readonly from: string;
      readonly to: string;
      readonly usedBy: string;
    }
  /** A script's interpreter is gone. */
  | { readonly kind: 'interpreter'; readonly path: string; readonly interpreter: string }
  /** The image configuration cannot be merged. */
  | { readonly kind: 'config'; readonly key: string; readonly reason: string }
  /** The bases are of different releases or platforms. */
  | { readonly kind: 'release'; readonly from: string; readonly to: string; readonly reason: string }
  | { readonly kind: 'limit'; readonly reason: string };

export type BaseChange = 'added' | 'removed' | 'changed';

/** What was looked at before the base was swapped; attached to the image. */
export interface RebaseReport {
  readonly safe: boolean;
  readonly conflicts: readonly RebaseConflict[];
  /** Paths of the child that also exist in the base, but that the base did not change. */
  readonly overlapping: readonly string[];
  /** Files merged from three sides into a layer of their own. */
  readonly merged: readonly string[];
  /** Paths that the child only repeated, or re-owned, where the new base's content shows again. */
  readonly restored: readonly string[];
  /** SONAMEs that the child's programs get from the base and whose file changed: found again, no symbol lost. */
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
      return `/${conflict.path}: both sides change the entry ${JSON.stringify(conflict.key.slice(0, 200))}`;
    case 'database':
      return `/${conflict.path}: both sides change ${conflict.family}'s database, one binary file that only ${conflict.family} itself can write`;
    case 'account':
      return `/${conflict.path}: account ${conflict.account}: ${conflict.reason}`;
    case 'pattern':
      return `/${conflict.path}: ${conflict.reason}`;
    case 'derived':
      return `/${conflict.path}: ${conflict.reason} (/${conflict.from})`;
    case 'runtime':
      return `${conflict.usedBy} is for ${conflict.language} ${conflict.from}, and the new base has ${conflict.to}`;
    case 'interpreter':
      return `/${conflict.path}: the new base has no ${conflict.interpreter}`;
    case 'config':
      return `${conflict.key} of the image configuration: ${conflict.reason}`;
    case 'release':
      return `old base ${conflict.from}, new base ${conflict.to}: ${conflict.reason}`;
    case 'limit':
      return conflict.reason;
  }
}

/** What to do about the conflicts of a kind; the first kinds weigh most. */
const ADVICE: readonly (readonly [kind: RebaseConflict['kind'], advice: string])[] = [
  ['release', 'Build the child anew from its Dockerfile or recipe on the new release.'],
  ['runtime', 'Build the child anew, so that its modules are installed for the interpreter that the new base has.'],
  ['database', 'Build the child anew, or let heraklit patch it: rpm itself then writes its database.'],
  ['library', 'Build the child anew, so that its programs are linked against the new libraries.'],
  [
    'package',
    "Build the child anew, or rebase it onto a base that has these packages at the child's versions or later.",
  ],
  ['account', "Give the child's accounts fixed numbers (useradd --uid, groupadd --gid) and build it anew."],
];

export function adviceFor(conflicts: readonly RebaseConflict[]): string {
  const kinds = new Set(conflicts.map(({ kind }) => kind));
  const found = ADVICE.find(([kind]) => kinds.has(kind))?.[1];
  return found ?? 'Build it anew from its recipe or Dockerfile, or let heraklit patch it.';
}
