import type { PackageEffect, PackageRef } from './types.ts';

export const NO_EFFECT: PackageEffect = { added: [], changed: [], removed: [] };

const keyOf = (item: PackageRef): string => `${item.name}:${item.architecture}`;

/**
 * What changed from one package list to the next. A package that stands there at several versions (rpm keeps kernels
 * and keys beside one another) is changed only where exactly one version left and one came.
 */
export function packageEffect(before: readonly PackageRef[], after: readonly PackageRef[]): PackageEffect {
  const old = Map.groupBy(before, keyOf);
  const now = Map.groupBy(after, keyOf);
  const added: PackageRef[] = [];
  const changed: (PackageRef & { from: string })[] = [];
  const removed: PackageRef[] = [];
  for (const [key, items] of now) {
    const previous = old.get(key) ?? [];
    const came = without(items, previous);
    const left = without(previous, items);
    const [only] = left;
    if (came.length === 1 && left.length === 1 && only !== undefined) {
      changed.push(...came.map((item) => ({ ...refOf(item), from: only.version })));
    } else {
      added.push(...came.map(refOf));
      removed.push(...left.map(refOf));
    }
  }
  for (const [key, items] of old) if (!now.has(key)) removed.push(...items.map(refOf));
  return { added, changed, removed };
}

function without(items: readonly PackageRef[], others: readonly PackageRef[]): readonly PackageRef[] {
  return items.filter((item) => !others.some((other) => other.version === item.version));
}

function refOf({ name, architecture, version }: PackageRef): PackageRef {
  return { name, architecture, version };
}
