import type { RuntimeConfig } from '../../oci/index.ts';

/** `NAME=value` list → map; a name without `=` keeps an empty value, as runtimes read it. */
function environmentOf(list: readonly string[] | undefined): ReadonlyMap<string, string> {
  return new Map(
    (list ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** The child's changes against its old base, applied to the new base; what the child set itself always wins. */
function mergeMaps<Value>(
  oldBase: ReadonlyMap<string, Value>,
  newBase: ReadonlyMap<string, Value>,
  child: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  const same = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);
  const merged = new Map<string, Value>();
  for (const [key, value] of newBase) {
    const removedByChild = oldBase.has(key) && !child.has(key);
    if (!removedByChild) merged.set(key, value);
  }
  for (const [key, value] of child) {
    if (!same(oldBase.get(key), value)) merged.set(key, value);
  }
  return merged;
}

const recordMap = <Value>(record: Readonly<Record<string, Value>> | undefined): ReadonlyMap<string, Value> =>
  new Map(Object.entries(record ?? {}));

/**
 * Three-way merge of the runtime configuration. A child's config repeats what its base said when it was built; only
 * what differs from the old base is the child's own word, the rest follows the new base (a changed PATH, say).
 */
export function mergeRuntimeConfig(
  oldBase: RuntimeConfig = {},
  newBase: RuntimeConfig = {},
  child: RuntimeConfig = {},
): RuntimeConfig {
  const merged: Record<string, unknown> = {};
  const keys = new Set([...Object.keys(newBase), ...Object.keys(child)]);
  for (const key of keys) {
    const [before, after, own] = [oldBase, newBase, child].map((config) => (config as Record<string, unknown>)[key]);
    const value = JSON.stringify(own) === JSON.stringify(before) ? after : own;
    if (value !== undefined) merged[key] = value;
  }
  const environment = mergeMaps(environmentOf(oldBase.Env), environmentOf(newBase.Env), environmentOf(child.Env));
  const labels = mergeMaps(recordMap(oldBase.Labels), recordMap(newBase.Labels), recordMap(child.Labels));
  const ports = mergeMaps(
    recordMap(oldBase.ExposedPorts),
    recordMap(newBase.ExposedPorts),
    recordMap(child.ExposedPorts),
  );
  return {
    ...merged,
    ...(environment.size > 0 ? { Env: [...environment].map(([name, value]) => `${name}=${value}`) } : {}),
    ...(labels.size > 0 ? { Labels: Object.fromEntries(labels) } : {}),
    ...(ports.size > 0 ? { ExposedPorts: Object.fromEntries(ports) } : {}),
  } as RuntimeConfig;
}
