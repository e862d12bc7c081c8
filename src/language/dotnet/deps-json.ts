import { acceptedText, members, parseJson } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';

/**
 * APP.deps.json: libraries `Name/Version` that were published with an application; projects are its own code.
 * @see https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md
 */
export const dotnetDeps: ContentReader = {
  id: 'deps.json',
  version: 1,
  files: { extensions: ['.json'] },
  wants: ({ name }) => (name.endsWith('.deps.json') ? { kind: 'whole', limit: LOCK_BYTES } : 'no'),
  read: (_, bytes) => {
    const libraries = members(members(parseJson(bytes))?.libraries) ?? {};
    return {
      packages: Object.entries(libraries).flatMap(([key, value]) => {
        const slash = key.lastIndexOf('/');
        return slash > 0 && members(value)?.type === 'package'
          ? found(key.slice(0, slash), key.slice(slash + 1), 'installed')
          : [];
      }),
    };
  },
};

/** packages.lock.json: framework → name → what was resolved. */
export const nugetLock: ContentReader = {
  id: 'packages.lock.json',
  version: 1,
  files: { names: ['packages.lock.json'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => {
    const packages = new Map<string, FoundPackage>();
    for (const framework of Object.values(members(members(parseJson(bytes))?.dependencies) ?? {})) {
      for (const [name, value] of Object.entries(members(framework) ?? {})) {
        const entry = members(value);
        if (entry?.type === 'Project') continue;
        for (const item of found(name, entry?.resolved, 'declared')) packages.set(`${item.name} ${item.version}`, item);
      }
    }
    return { packages: [...packages.values()] };
  },
};

function found(name: unknown, version: unknown, state: FoundPackage['state']): readonly FoundPackage[] {
  const [accepted, number] = [acceptedText(name), acceptedText(version)];
  return accepted === undefined || number === undefined
    ? []
    : [{ ecosystem: 'nuget', name: accepted, version: number, state }];
}
