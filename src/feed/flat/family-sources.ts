import type { EcosystemId } from '../../distro/index.ts';
import type { AptSourceFile } from '../apt-sources.ts';
import type { KeyFile } from '../key-file.ts';
import { REPO_FILES, repoUrls } from '../rpm-md/repo-files.ts';

const text = ({ bytes }: AptSourceFile): readonly string[] => Buffer.from(bytes).toString('utf8').split('\n');

/**
 * URLs of etc/apk/repositories and repositories.d: `[v2|v3|ndx] [@tag] URL [component…]` (apk-repositories(5)). Tagged
 * ones are not used by default; lines with variables name what only `apk` knows.
 */
function apkUrls(files: readonly AptSourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => /(?:^|\/)etc\/apk\/repositories$|apk\/repositories\.d\/[^/]+\.list$/.test(path))
    .flatMap(text)
    .flatMap((line) => {
      const words = line.trim().split(/\s+/);
      if (words[0] === 'v2' || words[0] === 'v3' || words[0] === 'ndx') words.shift();
      const [url = '', ...components] = words;
      if (!url.includes('://') || url.includes('${')) return [];
      return components.length === 0 ? [url] : components.map((component) => `${url.replace(/\/+$/, '')}/${component}`);
    });
}

/** `Server = URL` of mirror lists, which are lists of one repository each on many hosts, and of pacman.conf. */
function pacmanUrls(files: readonly AptSourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => /(?:^|\/)etc\/(?:pacman\.d\/[^/]*mirrorlist|pacman\.conf)$/.test(path))
    .flatMap(text)
    .flatMap((line) => /^\s*Server\s*=\s*(\S+)/.exec(line)?.[1] ?? []);
}

/** URLs of repositories that the package manager of a family has configured, in its order. */
export function familyUrls(family: EcosystemId, files: readonly AptSourceFile[]): readonly string[] {
  if (family === 'apk') return apkUrls(files);
  if (family === 'rpm') return repoUrls(files);
  return family === 'alpm' ? pacmanUrls(files) : [];
}

const APK_KEYS = 'etc/apk/keys/';

/**
 * Where a family's package manager is told of repositories, and apk of the keys it believes, below a root; `*` for any
 * one name.
 */
export const FAMILY_SOURCES: Readonly<Partial<Record<EcosystemId, readonly string[]>>> = {
  apk: [
    'etc/apk/repositories',
    'etc/apk/repositories.d/*',
    'lib/apk/repositories.d/*',
    'usr/lib/apk/repositories.d/*',
    `${APK_KEYS}*`,
  ],
  alpm: ['etc/pacman.d/mirrorlist', 'etc/pacman.conf'],
  rpm: REPO_FILES,
};

/** Keys that are named for their content alone; more than any image has. */
const MAX_IMAGE_KEYS = 64;
const MAX_KEY_BYTES = 16 * 1024;

/** The keys among the files that an image's package manager is configured with. */
export function keysOfSources(files: readonly AptSourceFile[]): readonly KeyFile[] {
  return files
    .filter(({ path, bytes }) => path.startsWith(APK_KEYS) && bytes.length <= MAX_KEY_BYTES)
    .slice(0, MAX_IMAGE_KEYS)
    .map(({ path, bytes }) => ({ name: path.slice(APK_KEYS.length), content: Buffer.from(bytes).toString('utf8') }))
    .filter(({ content }) => content.includes('BEGIN PUBLIC KEY'));
}
