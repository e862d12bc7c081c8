import { debEcosystem, type InstalledPackage, type StatusDatabase } from '../../distro/index.ts';
import { brokenRelations } from './relations.ts';
import type { RebaseConflict } from './report.ts';

type Stanza = StatusDatabase['stanzas'][number];

export interface PackageMerge {
  /** Stanzas of the merged database: the new base's order, then what the child added. */
  readonly stanzas: readonly Stanza[];
  /** What the child installed itself. */
  readonly own: readonly InstalledPackage[];
  /** What it removed, or left only the settings of. */
  readonly removed: readonly InstalledPackage[];
  /** Names of those that both sides brought to the same version. */
  readonly agreed: ReadonlySet<string>;
  readonly conflicts: readonly RebaseConflict[];
}

const keyOf = (pkg: { readonly name: string; readonly architecture: string }): string =>
  `${pkg.name}:${pkg.architecture}`;
const stanzaKey = (stanza: Stanza): string => `${stanza.get('Package') ?? ''}:${stanza.get('Architecture') ?? ''}`;
const index = (database: StatusDatabase): ReadonlyMap<string, Stanza> =>
  new Map(database.stanzas.map((stanza) => [stanzaKey(stanza), stanza]));
const text = (stanza: Stanza | undefined): string | undefined => stanza?.toText();

/**
 * Three-way merge of the package database: what the child changed against its old base, applied to the new base.
 * A package that both sides changed is a conflict; so is a dependency of the result that nothing satisfies.
 */
export function mergePackages(oldBase: StatusDatabase, newBase: StatusDatabase, child: StatusDatabase): PackageMerge {
  const [before, after, own] = [index(oldBase), index(newBase), index(child)];
  const conflicts: RebaseConflict[] = [];
  const stanzas: Stanza[] = [];
  const changed = new Set<string>();
  const agreed = new Set<string>();
  for (const key of new Set([...after.keys(), ...own.keys(), ...before.keys()])) {
    const [old, theirs, ours] = [before.get(key), after.get(key), own.get(key)];
    const weChanged = text(ours) !== text(old);
    const marked = weChanged && ours !== undefined && theirs !== undefined ? withMark(old, theirs, ours) : undefined;
    if (marked !== undefined) {
      stanzas.push(marked);
      continue;
    }
    if (weChanged && text(theirs) !== text(old) && text(ours) !== text(theirs)) {
      conflicts.push({ kind: 'package', package: key, reason: describeBoth(old, theirs, ours) });
      continue;
    }
    const chosen = weChanged ? ours : theirs;
    if (weChanged) changed.add(key);
    if (weChanged && ours !== undefined && text(ours) === text(theirs)) agreed.add(ours.get('Package') ?? '');
    if (chosen !== undefined) stanzas.push(chosen);
  }
  const present = [
    ...newBase.packages.filter((pkg) => !changed.has(keyOf(pkg))),
    ...child.packages.filter((pkg) => changed.has(keyOf(pkg))),
  ];
  const installed = new Set(child.packages.map(keyOf));
  return {
    stanzas,
    own: child.packages.filter((pkg) => changed.has(keyOf(pkg))),
    removed: oldBase.packages.filter((pkg) => changed.has(keyOf(pkg)) && !installed.has(keyOf(pkg))),
    agreed,
    conflicts: [...conflicts, ...brokenRelations(present, newBase.packages, debEcosystem.satisfies)],
  };
}

/** The child only marked the package (`apt-mark hold`): the mark goes to the new base's version of it. */
function withMark(old: Stanza | undefined, theirs: Stanza, ours: Stanza): Stanza | undefined {
  const mark = ours.get('Status');
  if (old === undefined || mark === undefined || mark === old.get('Status')) return undefined;
  if (text(ours.with({ Status: undefined })) !== text(old.with({ Status: undefined }))) return undefined;
  const [want = ''] = mark.split(' ');
  return theirs.with({ Status: (theirs.get('Status') ?? '').replace(/^\S+/, want) });
}

function describeBoth(old: Stanza | undefined, theirs: Stanza | undefined, ours: Stanza | undefined): string {
  const version = (stanza: Stanza | undefined): string => stanza?.get('Version') ?? 'absent';
  return `old base ${version(old)}, new base ${version(theirs)}, child ${version(ours)}`;
}
