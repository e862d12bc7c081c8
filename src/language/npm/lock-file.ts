import { acceptedText, members, parseJson } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';
import { npmName } from './manifest.ts';

/**
 * package-lock.json and npm-shrinkwrap.json of lockfileVersion 1 to 3, and the copy that npm keeps in node_modules, which
 * says what is there for development alone.
 * @see https://docs.npmjs.com/cli/configuring-npm/package-lock-json
 */
export const npmLockFile: ContentReader = {
  id: 'package-lock.json',
  version: 1,
  files: { names: ['package-lock.json', 'npm-shrinkwrap.json', '.package-lock.json'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (file, bytes) => {
    const lock = members(parseJson(bytes));
    const folder = file.path.slice(0, -file.name.length);
    const root = file.name === '.package-lock.json' ? folder.replace(/(?:^|\/)node_modules\/$/, '/') : folder;
    const packages = members(lock?.packages);
    return { packages: packages === undefined ? readTree(lock?.dependencies, root) : readFlat(packages, root) };
  },
};

const MODULES = 'node_modules/';

/** Versions 2 and 3: one entry a path, relative to the folder of the lock file. */
function readFlat(packages: Readonly<Record<string, unknown>>, root: string): readonly FoundPackage[] {
  return Object.entries(packages).flatMap(([path, value]) => {
    const entry = members(value);
    const at = path.lastIndexOf(MODULES);
    // Folders of a workspace and links to them have a package.json of their own.
    if (at < 0 || entry === undefined || entry.link === true) return [];
    return declared(entry.name ?? path.slice(at + MODULES.length), entry, `${root}${path}`);
  });
}

/** Version 1: dependencies within dependencies. Not recursive: depth is up to whoever wrote the file. */
function readTree(dependencies: unknown, root: string): readonly FoundPackage[] {
  const found: FoundPackage[] = [];
  const pending = [{ dependencies, folder: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, value] of Object.entries(members(next.dependencies) ?? {})) {
      const entry = members(value);
      if (entry === undefined) continue;
      const at = `${next.folder}${MODULES}${name}`;
      found.push(...declared(aliased(entry.version) ?? name, { ...entry, version: plain(entry.version) }, at));
      // A path of a thousand folders is none that a file system takes, and grows with the square of the depth.
      if (entry.dependencies !== undefined && at.length < MAX_PATH) {
        pending.push({ dependencies: entry.dependencies, folder: `${at}/` });
      }
    }
  }
  return found;
}

const MAX_PATH = 4096;

function declared(name: unknown, entry: Readonly<Record<string, unknown>>, at: string): readonly FoundPackage[] {
  const accepted = npmName(name);
  const version = acceptedText(entry.version);
  if (accepted === undefined || version === undefined || !/^\d/.test(version)) return [];
  const dev = entry.dev === true ? ({ dev: true } as const) : {};
  return [{ ecosystem: 'npm', name: accepted, version, state: 'declared', at: at.replace(/^\/+/, ''), ...dev }];
}

/** `npm:other@1.2.3` stands where a package was installed under another name. */
const ALIAS = /^npm:((?:@[^/@]+\/)?[^/@]+)@(.+)$/;
const aliased = (version: unknown): string | undefined => ALIAS.exec(String(version))?.[1];
const plain = (version: unknown): unknown => ALIAS.exec(String(version))?.[2] ?? version;
