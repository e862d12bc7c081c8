import { type OrGroup, type RepositoryPackage, satisfies } from '../../distro/index.ts';

interface Provided {
  readonly item: RepositoryPackage;
  /** Undefined: a provide without a version, which meets no relation with one. */
  readonly version: string | undefined;
}

/**
 * Names of packages that something asked for needs, directly or not: what `apt-get autoremove` would leave. Of several
 * that meet a relation all are kept, as apt does.
 * @param roots names asked for, essential packages included
 */
export function reachable(
  packages: readonly RepositoryPackage[],
  roots: Iterable<string>,
  recommends: boolean,
): ReadonlySet<string> {
  const byName = new Map<string, Provided[]>();
  const add = (name: string, provided: Provided): void => {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [provided]);
    else known.push(provided);
  };
  for (const item of packages) {
    add(item.name, { item, version: item.version });
    for (const { name, version } of item.relations.provides) add(name, { item, version });
  }
  const found = new Set<string>();
  const queue: RepositoryPackage[] = [];
  const reach = ({ item }: Provided): void => {
    if (found.has(item.name)) return;
    found.add(item.name);
    queue.push(item);
  };
  const follow = (groups: readonly OrGroup[]): void => {
    for (const { name, operator, version } of groups.flat()) {
      for (const provided of byName.get(name) ?? []) {
        const meets =
          operator === undefined || version === undefined
            ? true
            : provided.version !== undefined && satisfies(provided.version, operator, version);
        if (meets) reach(provided);
      }
    }
  };
  for (const name of roots) for (const provided of byName.get(name) ?? []) reach(provided);
  for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
    const { depends, preDepends, recommends: wished } = item.relations;
    follow(preDepends);
    follow(depends);
    if (recommends) follow(wished);
  }
  return found;
}
