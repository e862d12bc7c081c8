import { createHash } from 'node:crypto';
import { ECOSYSTEMS, RELEASE_FILES } from '../distro/index.ts';
import { FAMILY_SOURCES } from '../feed/index.ts';

export const PATHS = {
  osRelease: ['etc/os-release', 'usr/lib/os-release'],
  debianVersion: 'etc/debian_version',
  releaseFiles: RELEASE_FILES,
  aptSources: 'etc/apt/sources.list',
  aptSourcesFolder: 'etc/apt/sources.list.d',
} as const;

const SOURCES: readonly string[] = Object.values(FAMILY_SOURCES).flat();

/** `*` for any one name. */
const matching = (place: string): RegExp =>
  new RegExp(`^${place.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]+')}$`);

/**
 * Files whose content a scan keeps when it passes them: every family's package database, what names the distribution,
 * and the image's own package sources. Read once, they need never be looked for again.
 */
const CAPTURED: readonly RegExp[] = [
  ...ECOSYSTEMS.flatMap((ecosystem) => ecosystem.capturedPaths),
  /^(?:etc|usr\/lib)\/os-release$/,
  // Release files are links to one another in most roots.
  /^(?:etc|usr\/lib)\/(?:[A-Za-z]+-release|debian_version)$/,
  /^etc\/apt\/sources\.list(?:\.d\/[^/]+\.(?:list|sources))?$/,
  ...SOURCES.map(matching),
];

/** How patterns begin that hold at any depth. */
const ANY_DEPTH = '^(?:.+\\/)?';
const oneOf = (sources: readonly string[]): string => `(?:${sources.map((source) => `(?:${source})`).join('|')})`;
const SOURCE_TEXTS = CAPTURED.map((pattern) => pattern.source);
const FROM_ROOT = new RegExp(oneOf(SOURCE_TEXTS.filter((source) => !source.startsWith(ANY_DEPTH))));
/** Asked of 100,000 paths a layer: tried where a folder begins, and not, as written, with every slash as its end. */
const AT_ANY_DEPTH = new RegExp(
  `(?:^|\\/)${oneOf(SOURCE_TEXTS.flatMap((source) => (source.startsWith(ANY_DEPTH) ? [source.slice(ANY_DEPTH.length)] : [])))}`,
);

/** Folders above them: where one is a link, a file or gone, the files are elsewhere or gone. */
const FOLDERS: ReadonlySet<string> = new Set(
  [
    ...ECOSYSTEMS.flatMap((ecosystem) => ecosystem.databasePaths),
    ...SOURCES,
    ...PATHS.osRelease,
    PATHS.aptSourcesFolder,
    `${PATHS.aptSourcesFolder}/*`,
    'lib/*',
  ].flatMap((path) => {
    const parts = path.split('/').slice(0, -1);
    return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
  }),
);

const PLAIN_FOLDERS: ReadonlySet<string> = new Set([...FOLDERS].filter((path) => !path.includes('*')));

/** Folders with any name in their path: pacman keeps one a package. */
const NAMED_FOLDERS = [...FOLDERS].filter((path) => path.includes('*')).map(matching);

export function isCaptured(path: string): boolean {
  return FROM_ROOT.test(path) || AT_ANY_DEPTH.test(path);
}

/** True where a change of the path can change what the scan reads. */
export function isRelevant(path: string): boolean {
  return PLAIN_FOLDERS.has(path) || isCaptured(path) || NAMED_FOLDERS.some((pattern) => pattern.test(path));
}

/** Changes with what is captured: a record made by other rules lacks files, and the layer is read again. */
export const CAPTURE_RULES = createHash('sha256').update(SOURCE_TEXTS.join('|')).digest('hex').slice(0, 16);

/** Bytes of one captured file. A status file of 5,000 packages has 5 MB, an rpm database of 2,000 has 150 MB. */
export const CAPTURE_FILE_LIMIT = 192 * 1024 * 1024;
/** Bytes of all captured files of one layer. */
export const CAPTURE_LAYER_LIMIT = 256 * 1024 * 1024;
/** Captured files of one layer. */
export const CAPTURE_FILES_LIMIT = 20_000;
