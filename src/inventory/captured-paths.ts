/**
 * Files whose content a scan keeps when it passes them: the package database in its two layouts, what names the
 * distribution, and the image's own package sources. Read once, they need never be looked for again.
 */
const CAPTURED = [
  /^(?:.+\/)?lib\/dpkg\/(?:status|arch)$/,
  // One stanza a file (distroless); the checksum lists beside them are no stanzas.
  /^(?:.+\/)?lib\/dpkg\/status\.d\/[^/]+(?<!\.md5sums)$/,
  /^(?:etc|usr\/lib)\/os-release$/,
  /^etc\/debian_version$/,
  /^etc\/apt\/sources\.list(?:\.d\/[^/]+\.(?:list|sources))?$/,
];

/** Folders above them: where one is a link, a file or gone, the files are elsewhere or gone. */
const FOLDERS: ReadonlySet<string> = new Set([
  'etc',
  'etc/apt',
  'etc/apt/sources.list.d',
  'lib',
  'usr',
  'usr/lib',
  'var',
  'var/lib',
  'var/lib/dpkg',
  'var/lib/dpkg/status.d',
]);

export const PATHS = {
  status: 'var/lib/dpkg/status',
  statusFolder: 'var/lib/dpkg/status.d',
  osRelease: ['etc/os-release', 'usr/lib/os-release'],
  debianVersion: 'etc/debian_version',
  aptSources: 'etc/apt/sources.list',
  aptSourcesFolder: 'etc/apt/sources.list.d',
} as const;

export function isCaptured(path: string): boolean {
  return CAPTURED.some((pattern) => pattern.test(path));
}

/** True where a change of the path can change what the scan reads. */
export function isRelevant(path: string): boolean {
  return FOLDERS.has(path) || isCaptured(path);
}

/** Bytes of one captured file. A status file of 5,000 packages has 5 MB. */
export const CAPTURE_FILE_LIMIT = 64 * 1024 * 1024;
/** Bytes of all captured files of one layer. */
export const CAPTURE_LAYER_LIMIT = 128 * 1024 * 1024;
/** Captured files of one layer. */
export const CAPTURE_FILES_LIMIT = 20_000;
