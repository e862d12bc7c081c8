import type { PackageEffect, PackageRef } from './types.ts';

export const NO_EFFECT: PackageEffect = { added: [], changed: [], removed: [] };

/** What changed from one package list to the next; both hold a package of one name and architecture once. */
export function packageEffect(before: readonly PackageRef[], after: readonly PackageRef[]): PackageEffect {
  const key = (item: PackageRef): string => `${item.name}:${item.architecture}`;
  const old = new Map(before.map((item) => [key(item), item]));
  const now = new Set(after.map(key));
  const added: PackageRef[] = [];
  const changed: (PackageRef & { from: string })[] = [];
  for (const item of after) {
    const previous = old.get(key(item));
    if (previous === undefined) added.push(refOf(item));
    else if (previous.version !== item.version) changed.push({ ...refOf(item), from: previous.version });
  }
  return { added, changed, removed: before.filter((item) => !now.has(key(item))).map(refOf) };
}

function refOf({ name, architecture, version }: PackageRef): PackageRef {
  return { name, architecture, version };
}
