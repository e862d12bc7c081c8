import { acceptedText, members, parseJson } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';

/**
 * vendor/composer/installed.json: a list (Composer 1), or `packages` with the names of those for development (2).
 * @see https://getcomposer.org/doc/07-runtime.md
 */
export const composerInstalled: ContentReader = {
  id: 'composer/installed.json',
  version: 1,
  files: { names: ['installed.json'] },
  wants: ({ path }) => (/(?:^|\/)composer\/installed\.json$/.test(path) ? { kind: 'whole', limit: LOCK_BYTES } : 'no'),
  read: (_, bytes) => {
    const content = parseJson(bytes);
    const document = members(content);
    const names = document?.['dev-package-names'];
    const dev = new Set<unknown>(Array.isArray(names) ? names : []);
    return { packages: listed(document?.packages ?? content, 'installed', (name) => dev.has(name)) };
  },
};

/** @see https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control */
export const composerLock: ContentReader = {
  id: 'composer.lock',
  version: 1,
  files: { names: ['composer.lock'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => {
    const lock = members(parseJson(bytes));
    return {
      packages: [
        ...listed(lock?.packages, 'declared', () => false),
        ...listed(lock?.['packages-dev'], 'declared', () => true),
      ],
    };
  },
};

function listed(
  list: unknown,
  state: FoundPackage['state'],
  isDev: (name: string) => boolean,
): readonly FoundPackage[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((value): FoundPackage[] => {
    const entry = members(value);
    const name = acceptedText(entry?.name);
    const version = acceptedText(entry?.version);
    if (name === undefined || version === undefined || !/^[^/]+\/[^/]+$/.test(name)) return [];
    return [{ ecosystem: 'composer', name, version, state, ...(isDev(name) ? { dev: true } : {}) }];
  });
}
