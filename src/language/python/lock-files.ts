import { acceptedText, members, parseJson, textOf } from '../accept.ts';
import { LOCK_BYTES, PARSED_BYTES } from '../limits.ts';
import { parseToml } from '../parse-toml.ts';
import type { ContentReader, FoundPackage } from '../types.ts';

/**
 * poetry.lock, uv.lock, pdm.lock and pylock.toml: tables of packages with name and version.
 * @see https://packaging.python.org/en/latest/specifications/pylock-toml/
 */
export const pythonLockFile: ContentReader = {
  id: 'poetry.lock',
  version: 1,
  files: { names: ['poetry.lock', 'uv.lock', 'pdm.lock', 'pylock.toml'] },
  deferred: true,
  wants: () => ({ kind: 'whole', limit: PARSED_BYTES }),
  read: async (_, bytes) => {
    const lock = members(await parseToml(textOf(bytes)));
    const packages = lock?.package ?? lock?.packages;
    if (!Array.isArray(packages)) return {};
    return { packages: packages.flatMap((value) => locked(members(value) ?? {})) };
  },
};

function locked(entry: Readonly<Record<string, unknown>>): readonly FoundPackage[] {
  const source = members(entry.source);
  // The project itself stands in uv.lock too.
  if (source !== undefined && ('editable' in source || 'virtual' in source)) return [];
  // `category` is poetry's before 1.5, `groups` that of later ones.
  const groups = Array.isArray(entry.groups) ? entry.groups : [entry.category ?? 'main'];
  return declared(entry.name, entry.version, groups.length > 0 && groups.every((group) => group === 'dev'));
}

/** @see https://pipenv.pypa.io/en/latest/pipfile.html */
export const pipfileLock: ContentReader = {
  id: 'Pipfile.lock',
  version: 1,
  files: { names: ['Pipfile.lock'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => {
    const lock = members(parseJson(bytes));
    const section = (name: string, dev: boolean): readonly FoundPackage[] =>
      Object.entries(members(lock?.[name]) ?? {}).flatMap(([key, value]) => {
        const version = acceptedText(members(value)?.version);
        return declared(key, version?.replace(/^==+/, ''), dev);
      });
    return { packages: [...section('default', false), ...section('develop', true)] };
  },
};

function declared(name: unknown, version: unknown, dev: boolean): readonly FoundPackage[] {
  const [accepted, number] = [acceptedText(name), acceptedText(version)];
  if (accepted === undefined || number === undefined) return [];
  return [{ ecosystem: 'pypi', name: accepted, version: number, state: 'declared', ...(dev ? { dev: true } : {}) }];
}
