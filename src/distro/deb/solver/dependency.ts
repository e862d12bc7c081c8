import type { OrGroup } from '../../types.ts';
import type { RelationField } from './types.ts';
import type { Version } from './universe.ts';

/** One relation field entry of one version, in the order in which apt looks at them. */
export interface Dependency {
  readonly owner: Version;
  readonly field: RelationField;
  /** Conflicts and Breaks: must not be met. */
  readonly negative: boolean;
  /** False for Recommends only: the package may stay without it. */
  readonly critical: boolean;
  /** One entry when negative. */
  readonly alternatives: OrGroup;
}

function* entries(owner: Version, field: RelationField, groups: readonly OrGroup[]): Generator<Dependency> {
  const negative = field === 'Conflicts' || field === 'Breaks';
  const critical = field !== 'Recommends';
  for (const group of groups) {
    if (!negative) yield { owner, field, negative, critical, alternatives: group };
    else for (const relation of group) yield { owner, field, negative, critical, alternatives: [relation] };
  }
}

const compiled = new WeakMap<Version, readonly Dependency[]>();

/** Pre-Depends, Depends, Conflicts, Breaks, Recommends, each in the order of its field. */
export function dependenciesOf(version: Version): readonly Dependency[] {
  let list = compiled.get(version);
  if (list === undefined) {
    const { relations } = version;
    list = [
      ...entries(version, 'Pre-Depends', relations.preDepends),
      ...entries(version, 'Depends', relations.depends),
      ...entries(version, 'Conflicts', relations.conflicts),
      ...entries(version, 'Breaks', relations.breaks),
      ...entries(version, 'Recommends', relations.recommends),
    ];
    compiled.set(version, list);
  }
  return list;
}
