import { acceptedText, members, textOf } from '../accept.ts';
import { PARSED_BYTES } from '../limits.ts';
import { parseYaml } from '../parse-yaml.ts';
import type { ContentReader, FoundPackage } from '../types.ts';
import { npmName } from './manifest.ts';

/**
 * pnpm-lock.yaml of lockfileVersion 5 to 9: `packages` by name and version, spelled in three ways.
 * @see https://github.com/pnpm/spec/tree/master/lockfile
 */
export const pnpmLock: ContentReader = {
  id: 'pnpm-lock.yaml',
  version: 1,
  files: { names: ['pnpm-lock.yaml'] },
  deferred: true,
  wants: () => ({ kind: 'whole', limit: PARSED_BYTES }),
  read: async (_, bytes) => {
    const packages = members(members(await parseYaml(textOf(bytes)))?.packages) ?? {};
    return { packages: Object.entries(packages).flatMap(([key, value]) => declared(key, members(value) ?? {})) };
  },
};

/** `lodash@4.17.21(peer@1)`, `/lodash@4.17.21`, `/lodash/4.17.21_peer@1` */
const KEY = /^\/?((?:@[^/@]+\/)?[^/@]+)[@/](\d[^(_/]*)/;

function declared(key: string, entry: Readonly<Record<string, unknown>>): readonly FoundPackage[] {
  const match = KEY.exec(key);
  // Packages from archives and repositories have a URL for a key, and say name and version themselves.
  const name = npmName(entry.name ?? match?.[1]);
  const version = acceptedText(entry.version ?? match?.[2]);
  if (name === undefined || version === undefined) return [];
  return [{ ecosystem: 'npm', name, version, state: 'declared', ...(entry.dev === true ? { dev: true } : {}) }];
}
