import { acceptedText, textOf } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';
import { npmName } from './manifest.ts';

/**
 * pnpm-lock.yaml of lockfileVersion 5 to 9: `packages` by name and version, spelled in three ways. pnpm writes one key a
 * line and two spaces a level, so lines will do: a YAML parser takes a second for each megabyte.
 * @see https://github.com/pnpm/spec/tree/master/lockfile
 */
export const pnpmLock: ContentReader = {
  id: 'pnpm-lock.yaml',
  version: 2,
  files: { names: ['pnpm-lock.yaml'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => ({ packages: readPnpmLock(textOf(bytes)) }),
};

/** Keys of more than 1,024 characters stand after a question mark. */
const ENTRY = /^ {2}(?:\? )?(\S.*?):?$/;
const FIELD = /^ {4}(name|version|dev): (.*)$/;

function readPnpmLock(text: string): readonly FoundPackage[] {
  const found: FoundPackage[] = [];
  let inPackages = false;
  let key: string | undefined;
  let fields = new Map<string, string>();
  const take = (): void => {
    if (key !== undefined) found.push(...declared(key, fields));
    key = undefined;
    fields = new Map();
  };
  for (const line of text.split(/\r?\n/)) {
    if (/^\S/.test(line)) {
      take();
      inPackages = line === 'packages:';
    }
    if (!inPackages) continue;
    const entry = ENTRY.exec(line)?.[1];
    if (entry !== undefined && !entry.startsWith(':')) {
      take();
      key = unquoted(entry);
      continue;
    }
    const field = FIELD.exec(line);
    if (field !== null) fields.set(field[1] as string, unquoted(field[2] as string));
  }
  take();
  return found;
}

const unquoted = (text: string): string => text.replace(/^(['"])(.*)\1$/, '$2');

/** `lodash@4.17.21(peer@1)`, `/lodash@4.17.21`, `/lodash/4.17.21_peer@1` */
const KEY = /^\/?((?:@[^/@]+\/)?[^/@]+)[@/](\d[^(_/]*)/;

function declared(key: string, fields: ReadonlyMap<string, string>): readonly FoundPackage[] {
  const match = KEY.exec(key);
  // Packages from archives and repositories have a URL for a key, and say name and version themselves.
  const name = npmName(fields.get('name') ?? match?.[1]);
  const version = acceptedText(fields.get('version') ?? match?.[2]);
  if (name === undefined || version === undefined) return [];
  const dev = fields.get('dev') === 'true' ? ({ dev: true } as const) : {};
  return [{ ecosystem: 'npm', name, version, state: 'declared', ...dev }];
}
