import type { PackageIdentity } from './types.ts';

/** Code unit order: the same on every machine, whatever its locale. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What most packages were built for, leaving out those for every architecture; undefined where none says. */
export function commonArchitecture(
  packages: readonly Pick<PackageIdentity, 'architecture'>[],
  any: ReadonlySet<string>,
): string | undefined {
  const counts = new Map<string, number>();
  for (const { architecture } of packages) {
    if (architecture !== '' && !any.has(architecture)) counts.set(architecture, (counts.get(architecture) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || order(a, b))[0]?.[0];
}
