import type { OrGroup, RepositorySnapshot } from '../../types.ts';

/**
 * Names in the order in which apt first meets them while it reads the indexes: a package's own name, then the names in
 * its relation fields. Between providers that are equal in every other way apt takes the one it met last, so the order
 * is part of what a request means. Costs a walk over every relation, hence computed only when such a tie occurs.
 */
export function mentionOrder(
  snapshots: readonly RepositorySnapshot[],
  architecture: string,
): ReadonlyMap<string, number> {
  const order = new Map<string, number>();
  const meet = (name: string): void => {
    if (!order.has(name)) order.set(name, order.size);
  };
  const meetAll = (groups: readonly OrGroup[] | undefined): void => {
    if (groups === undefined) return;
    for (const group of groups) for (const relation of group) if (relation.qualifier === undefined) meet(relation.name);
  };
  for (const snapshot of snapshots) {
    for (const { name, architecture: own, relations } of snapshot.packages) {
      if (own !== architecture && own !== 'all') continue;
      meet(name);
      meetAll(relations.preDepends);
      meetAll(relations.depends);
      meetAll(relations.conflicts);
      meetAll(relations.breaks);
      meetAll(relations.recommends);
      meetAll(relations.suggests);
      meetAll(relations.replaces);
      meetAll(relations.enhances);
      for (const provided of relations.provides) meet(provided.name);
    }
  }
  return order;
}
