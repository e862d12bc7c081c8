import type { RuntimeConfig } from '../../oci/index.ts';
import type { RebaseConflict } from './report.ts';

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
  const environment = mergeMaps(
    environmentOf(oldBase.Env),
    environmentOf(newBase.Env),
    extended(environmentOf(oldBase.Env), environmentOf(newBase.Env), environmentOf(child.Env)),
  );
  const labels = mergeMaps(recordMap(oldBase.Labels), recordMap(newBase.Labels), recordMap(child.Labels));
  const ports = mergeMaps(
    recordMap(oldBase.ExposedPorts),
    recordMap(newBase.ExposedPorts),
    recordMap(child.ExposedPorts),
  );
  const volumes = mergeMaps(recordMap(oldBase.Volumes), recordMap(newBase.Volumes), recordMap(child.Volumes));
  return {
    ...merged,
    ...(volumes.size > 0 ? { Volumes: Object.fromEntries(volumes) } : {}),
    ...(environment.size > 0 ? { Env: [...environment].map(([name, value]) => `${name}=${value}`) } : {}),
    ...(labels.size > 0 ? { Labels: Object.fromEntries(labels) } : {}),
    ...(ports.size > 0 ? { ExposedPorts: Object.fromEntries(ports) } : {}),
  } as RuntimeConfig;
}

/**
 * `ENV PATH=/opt/bin:$PATH` was expanded when the child was built: where a variable that the new base changes begins or
 * ends with the old base's value, the new one takes its place, as building anew would have it.
 */
function extended(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  own: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map(
    [...own].map(([name, value]) => {
      const [old, now] = [before.get(name), after.get(name)];
      if (old === undefined || now === undefined || old === now || old === '' || value === old) return [name, value];
      if (value.endsWith(old)) return [name, value.slice(0, value.length - old.length) + now];
      return [name, value.startsWith(old) ? now + value.slice(old.length) : value];
    }),
  );
}

/** Values shorter than this are found in others by chance. */
const TELLING = 3;

/** What of the configuration cannot be merged, because building anew would do more than the configuration says. */
export function configConflicts(
  oldBase: RuntimeConfig = {},
  newBase: RuntimeConfig = {},
  child: RuntimeConfig = {},
): readonly RebaseConflict[] {
  const conflicts: RebaseConflict[] = [];
  const onBuild = (config: RuntimeConfig): string => JSON.stringify((config as { OnBuild?: unknown }).OnBuild ?? []);
  if (onBuild(oldBase) !== onBuild(newBase)) {
    const reason = 'the new base has other instructions for the builds of its children';
    conflicts.push({ kind: 'config', key: 'OnBuild', reason });
  }
  const [before, after, own] = [oldBase, newBase, child].map(({ Env }) => environmentOf(Env));
  for (const [name, value] of before ?? []) {
    if (value.length < TELLING || after?.get(name) === value) continue;
    const user = [...(own ?? [])].find(
      ([other, text]) => other !== name && text !== before?.get(other) && text.includes(value),
    );
    if (user === undefined) continue;
    conflicts.push({
      kind: 'config',
      key: user[0],
      reason: `it holds the value of ${name}, which the new base changes`,
    });
  }
  return conflicts;
}
