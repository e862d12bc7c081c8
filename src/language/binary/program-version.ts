import type { ContentReader, ContentStream, ReadResult } from '../types.ts';
import { HeadFirst } from './head-first.ts';
import { ELF_MAGIC } from './magic.ts';
import { VERSION_RULES, type VersionRule } from './rules.ts';
import { VersionSearch } from './version-search.ts';

const BY_NAME = new Map<string, VersionRule[]>();
for (const rule of VERSION_RULES) {
  for (const name of new Set(rule.names)) BY_NAME.set(name, [...(BY_NAME.get(name) ?? []), rule]);
}

/** Well-known programs and libraries that no package manager brought, by the version text inside them. */
export const programVersion: ContentReader = {
  id: 'program-version',
  version: 1,
  files: { names: [...BY_NAME.keys()] },
  wants: () => ({ kind: 'stream' }),
  open: ({ name }) => openSearch(BY_NAME.get(name) ?? []),
};

function openSearch(rules: readonly VersionRule[]): ContentStream {
  const searches = rules.map((rule) => ({ rule, search: new VersionSearch(rule) }));
  let isProgram = false;
  const file = new HeadFirst(ELF_MAGIC.length, (head) => {
    // Scripts have the same names.
    isProgram = head.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC);
    if (!isProgram) return undefined;
    return (chunk, at) => {
      for (const { search } of searches) search.write(chunk, at);
    };
  });
  return {
    write: (chunk) => file.write(chunk),
    end(): ReadResult {
      const size = file.end();
      if (!isProgram) return {};
      const packages = searches.flatMap(({ rule, search }) => {
        const version = search.end(size);
        if (version === undefined) return [];
        const { product: name, cpe } = rule;
        const details = { cpe: `cpe:2.3:a:${cpe}:${version.replace(/[^\w.-]/g, '\\$&')}:*:*:*:*:*:*:*` };
        return [{ ecosystem: 'generic', name, version, state: 'installed', guessed: true, details } as const];
      });
      return { packages };
    },
  };
}
