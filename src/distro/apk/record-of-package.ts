import { createHash } from 'node:crypto';
import type { ApkFile } from './adb-files.ts';
import type { ApkArchive } from './archive.ts';
import type { ApkInstalledRecord, ApkOwnedFile, ApkOwnedFolder } from './installed-records.ts';

/** What an index says of a package: the words of these fields are its own. */
export interface ApkIndexed {
  /** Bytes of the package file. */
  readonly size: number;
  readonly depends: string | undefined;
  readonly provides: string | undefined;
  readonly installIf?: string | undefined;
}

/** Bytes of an identity or a file's hash as the database keeps it: SHA-1, or that much of a SHA-256. */
const HASH_BYTES = 20;
const PREFIX = 'Q1';

const inWords = (hash: Buffer): string => PREFIX + hash.subarray(0, HASH_BYTES).toString('base64');

/** `Q1…`: what a database, scripts.tar and triggers call a package. */
const identityInWords = ({ identity }: Pick<ApkArchive, 'identity'>): string => inWords(Buffer.from(identity, 'hex'));

/**
 * The entry that apk writes of a package once it is installed, its fields in apk's order.
 * @param files of the package, with the numbers that their owners have in the root
 */
export function recordOfPackage(
  archive: ApkArchive,
  files: readonly ApkFile[],
  indexed: ApkIndexed,
): ApkInstalledRecord {
  const { info, format } = archive;
  const identity = identityInWords(archive);
  const optional = (letter: string, value: string | number | undefined): readonly [string, string][] =>
    value === undefined || value === '' || value === 0 ? [] : [[letter, String(value)]];
  const fields = new Map<string, string>([
    ['C', identity],
    ['P', info.name],
    ['V', info.version],
    ...optional('A', info.architecture),
    ['S', String(indexed.size)],
    ['I', String(info.installedSize)],
    ['T', info.description],
    ['U', info.url],
    ['L', info.license],
    ...optional('o', info.origin),
    ...optional('m', info.maintainer),
    ...optional('t', info.buildTime),
    ...optional('c', info.commit),
    ...optional('k', info.providerPriority),
    ...optional('D', indexed.depends),
    ...optional('p', indexed.provides),
    ...optional('i', indexed.installIf),
    ...optional('r', info.replaces),
    ...optional('q', info.replacesPriority),
    ...optional('f', format === 'v3' ? 'S' : ''),
  ]);
  const folders = foldersOf(files, format === 'v3' ? 'sha256' : 'sha1');
  return { name: info.name, version: info.version, identity, fields, folders };
}

/** Folders in the order of the package, the files of each by name (as bytes). */
function foldersOf(files: readonly ApkFile[], algorithm: 'sha1' | 'sha256'): readonly ApkOwnedFolder[] {
  const folders = new Map<string, { path: string; acl: string; files: ApkOwnedFile[] }>();
  const hashes = new Map<string, string>();
  const folderOf = (path: string) => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const made = { path, acl: '', files: [] };
    folders.set(path, made);
    return made;
  };
  for (const file of files) {
    if (file.path === '') continue;
    if (file.type === 'directory') folderOf(file.path).acl = aclOf(file, 0o755, algorithm);
    else {
      const [folder, name] = splitPath(file.path);
      const hash = hashOf(file, algorithm, hashes);
      hashes.set(file.path, hash);
      folderOf(folder).files.push({ name, acl: aclOf(file, 0o644, algorithm), hash });
    }
  }
  return [...folders.values()].map((folder) => ({
    ...folder,
    files: folder.files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
  }));
}

export function splitPath(path: string): readonly [folder: string, name: string] {
  const at = path.lastIndexOf('/');
  return at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)];
}

/** apk keeps what is not usual: another owner than root, another mode, extended attributes. */
function aclOf({ uid, gid, mode, type, xattrs }: ApkFile, usual: number, algorithm: 'sha1' | 'sha256'): string {
  const attributes = xattrsHash(xattrs, algorithm);
  const shown = type === 'symlink' ? 0o777 : mode;
  if (uid === 0 && gid === 0 && shown === usual && attributes === '') return '';
  return `${uid}:${gid}:${shown.toString(8)}${attributes === '' ? '' : `:${attributes}`}`;
}

/** Names and values, each behind its length (apk-tools: apk_fileinfo_hash_xattr). */
function xattrsHash(xattrs: ReadonlyMap<string, Uint8Array> | undefined, algorithm: 'sha1' | 'sha256'): string {
  if (xattrs === undefined || xattrs.size === 0) return '';
  const hash = createHash(algorithm);
  const length = (bytes: number): Buffer => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(bytes);
    return buffer;
  };
  for (const [name, value] of [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(length(Buffer.byteLength(name))).update(name);
    hash.update(length(value.byteLength)).update(value);
  }
  return inWords(hash.digest());
}

function hashOf(file: ApkFile, algorithm: 'sha1' | 'sha256', known: ReadonlyMap<string, string>): string {
  switch (file.type) {
    case 'file':
      return inWords(createHash(algorithm).update(file.content).digest());
    case 'symlink':
      return inWords(
        createHash(algorithm)
          .update(file.linkName ?? '')
          .digest(),
      );
    case 'hardlink':
      return known.get(file.linkName ?? '') ?? '';
    default:
      return '';
  }
}
