import type { OrGroup, PackageRelations, RepositorySnapshot } from '../../types.ts';
import { LazyRelations } from '../relations.ts';

/** More names than one package's relation fields ever mention. */
const NAMES_A_PACKAGE = 1 << 20;

/** Names in the order of the control fields as apt reads them. */
function* mentionedNames(relations: PackageRelations): Generator<string> {
  const { preDepends, depends, conflicts, breaks, recommends, suggests, replaces, enhances } = relations;
  const fields: readonly (readonly OrGroup[] | undefined)[] = [
    preDepends,
    depends,
    conflicts,
    breaks,
    recommends,
    suggests,
    replaces,
    enhances,
  ];
  for (const groups of fields) {
    for (const group of groups ?? []) for (const { name, qualifier } of group) if (qualifier === undefined) yield name;
  }
  for (const { name } of relations.provides) yield name;
}

function positionIn(relations: PackageRelations, wanted: string): number | undefined {
  if (relations instanceof LazyRelations && !relations.containsText(wanted)) return undefined;
  let position = 1;
  for (const name of mentionedNames(relations)) {
    if (name === wanted) return position;
    position += 1;
  }
  return undefined;
}

/**
 * Where apt first meets a name while it reads the indexes: as a package, or in a relation field of one. Between
 * providers that are equal in every other way apt takes the one it met last, so the order is part of what a request
 * means. Few names are ever asked for, so each is looked for when it is, and relations are parsed only where their
 * text has the name.
 */
export function mentionOrder(snapshots: readonly RepositorySnapshot[], architecture: string): (name: string) => number {
  const known = new Map<string, number>();
  const find = (wanted: string): number => {
    let before = 0;
    for (const snapshot of snapshots) {
      for (const { name, architecture: own, relations } of snapshot.packages) {
        if (own !== architecture && own !== 'all') continue;
        if (name === wanted) return before;
        const position = positionIn(relations, wanted);
        if (position !== undefined) return before + position;
        before += NAMES_A_PACKAGE;
      }
    }
    return Number.MAX_SAFE_INTEGER;
  };
  return (name) => {
    const position = known.get(name) ?? find(name);
    known.set(name, position);
    return position;
  };
}
