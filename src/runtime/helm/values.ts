import type { Values } from './release.ts';

const MAX_DEPTH = 40;

export type ValuePath = readonly (string | number)[];

export const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The user's values over the chart's, as Helm coalesces them: maps are merged, all else replaced, null takes away. */
export function mergeValues(chart: Values, config: Values, depth = 0): Values {
  const merged: Record<string, unknown> = { ...chart };
  for (const [key, value] of Object.entries(config)) {
    const before = merged[key];
    if (key === '__proto__') continue;
    if (value === null) delete merged[key];
    else
      merged[key] = isMap(value) && isMap(before) && depth < MAX_DEPTH ? mergeValues(before, value, depth + 1) : value;
  }
  return merged;
}

/** Every map and text in values, with where it stands. */
export function* walkValues(
  value: unknown,
  path: ValuePath = [],
): Generator<{ readonly path: ValuePath; readonly value: Values | string; readonly parent?: Values }> {
  if (path.length > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* walkValues(item, [...path, index]);
  } else if (isMap(value)) {
    yield { path, value };
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'string') yield { path: [...path, key], value: item, parent: value };
      else yield* walkValues(item, [...path, key]);
    }
  }
}

/** `api.image`, `sidecars[0].image`: for people, and the container of a workload. */
export const pathName = (path: ValuePath): string =>
  path.map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`)).join('');

/** A path and a text for `--set-string`: what its little language means otherwise is escaped. @see https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set */
export function setString(path: ValuePath, text: string): string {
  const escaped = (part: string): string => part.replace(/[\\.,=[\]{}]/g, '\\$&');
  const key = path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${escaped(part)}`))
    .join('');
  return `${key}=${text.replace(/[\\,]/g, '\\$&')}`;
}

const copied = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(copied)
    : isMap(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]))
      : value;

const at = (value: unknown, part: string | number): unknown =>
  (value as Record<string | number, unknown> | undefined)?.[part];

/**
 * The lists that these values stand in, whole and with them set, at their places: helm replaces lists, and `--set a[0].b=…`
 * starts from an empty one, whatever the chart or the release has there. Undefined where no path goes through a list.
 */
export function listValues(values: Values, set: readonly (readonly [ValuePath, string])[]): Values | undefined {
  const found: Record<string, unknown> = {};
  for (const [path, text] of set) {
    const index = path.findIndex((part) => typeof part === 'number');
    if (index < 1) continue;
    let [into, from] = [found, values as unknown];
    for (const part of path.slice(0, index - 1)) {
      from = at(from, part);
      const known = Object.hasOwn(into, part) ? into[part] : undefined;
      const next = isMap(known) ? known : {};
      Object.defineProperty(into, part, { value: next, configurable: true, enumerable: true, writable: true });
      into = next as Record<string, unknown>;
    }
    const name = path[index - 1] as string;
    const list = Object.hasOwn(into, name) ? into[name] : copied(at(from, name));
    Object.defineProperty(into, name, { value: list, configurable: true, enumerable: true, writable: true });
    let holder = list;
    for (const part of path.slice(index, -1)) holder = at(holder, part);
    (holder as Record<string | number, unknown>)[path.at(-1) as string | number] = text;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Those that `--set-string` sets as they are meant. */
export const plainValues = <T extends readonly [ValuePath, string]>(set: readonly T[]): readonly T[] =>
  set.filter(([path]) => !path.some((part) => typeof part === 'number'));
