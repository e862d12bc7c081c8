import { createHash } from 'node:crypto';
import type { BufferedTarEntry } from '../../archive/index.ts';
import type { AdbFile } from './adb-file.ts';
import { type AdbSlots, type AdbValue, type AdbValues, invalidAdb } from './adb-values.ts';

const PACKAGE_PATHS = 2;
const FOLDER = { name: 1, acl: 2, files: 3 } as const;
const FILE = { name: 1, acl: 2, size: 3, mtime: 4, hash: 5, target: 6 } as const;
const ACL = { mode: 1, user: 2, group: 3, xattrs: 4 } as const;

/** `st_mode` types of what has a target instead of content. */
const TARGETS: Readonly<Record<number, BufferedTarEntry['type']>> = {
  40960: 'symlink',
  32768: 'hardlink',
  24576: 'block',
  8192: 'character',
  4096: 'fifo',
};

/** Whom apk takes for a user that the root does not know. */
const NOBODY = 65534;
/** Bytes before the content of a data block: number of the folder, number of the file in it. */
const DATA_HEADER_BYTES = 8;

const EMPTY = Buffer.alloc(0);

/** An entry of a package; v3 names owners instead of numbering them. */
export type ApkFile = BufferedTarEntry & { readonly user?: string; readonly group?: string };

/** SHA-256, its first 160 bits, or SHA-1: which one only the length tells. */
function hashFits(content: Buffer, hash: Buffer): boolean {
  const algorithms = hash.length === 20 ? ['sha256', 'sha1'] : hash.length === 64 ? ['sha512'] : ['sha256'];
  return algorithms.some((name) => createHash(name).update(content).digest().subarray(0, hash.length).equals(hash));
}

/** Joins below the root; a name that leads elsewhere is refused, as in a tar archive. */
function pathOf(folder: string, name: string, what: string): string {
  const path = folder === '' ? name : `${folder}/${name}`;
  const parts = path.split('/');
  const isPlain = path === '' || parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isPlain || path.includes('\0'))
    throw invalidAdb(what, `${JSON.stringify(path.slice(0, 200))} is no path below the root`);
  return path;
}

function ownership(values: AdbValues, acl: AdbSlots) {
  const user = values.text(acl.get(ACL.user));
  const group = values.text(acl.get(ACL.group));
  const numberOf = (name: string): number => (name === 'root' || name === '' ? 0 : NOBODY);
  const xattrs = new Map<string, Uint8Array>();
  for (const item of values.slots(acl.get(ACL.xattrs)).items()) {
    const bytes = values.blob(item) ?? EMPTY;
    const end = bytes.indexOf(0);
    if (end > 0) xattrs.set(bytes.toString('utf8', 0, end), bytes.subarray(end + 1));
  }
  const mode = values.int(acl.get(ACL.mode)) & 0o7777;
  const owner = { mode, uid: numberOf(user), gid: numberOf(group), user, group };
  return xattrs.size === 0 ? owner : { ...owner, xattrs };
}

/** Contents by `folder/file` number, in which the data blocks name what they are of. */
function contentsOf(data: readonly Buffer[], what: string): ReadonlyMap<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (const block of data) {
    if (block.length < DATA_HEADER_BYTES) throw invalidAdb(what, 'a block of data names no file');
    contents.set(`${block.readUInt32LE(0)}/${block.readUInt32LE(4)}`, block.subarray(DATA_HEADER_BYTES));
  }
  return contents;
}

function targetOf(target: Buffer, what: string): Pick<ApkFile, 'type' | 'linkName' | 'deviceMajor' | 'deviceMinor'> {
  const type = target.length < 2 ? undefined : TARGETS[target.readUInt16LE(0)];
  const rest = target.subarray(2);
  if (type === undefined) throw invalidAdb(what, 'a file is of no known type');
  if (type === 'hardlink') return { type, linkName: pathOf('', rest.toString('utf8'), what) };
  if (type === 'symlink') return { type, linkName: rest.toString('utf8') };
  if (rest.length !== 8) throw invalidAdb(what, 'a device has no number');
  const device = rest.readBigUInt64LE(0);
  const deviceMajor = Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n));
  const deviceMinor = Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
  return { type, deviceMajor, deviceMinor };
}

/**
 * Folders and files of an opened v3 package, each content checked against the hash that the signed part has of it.
 * @throws DISTRO_ADB_INVALID
 */
export function* adbFiles(file: AdbFile, what: string): Generator<ApkFile, void> {
  const { values } = file;
  const contents = contentsOf(file.data, what);
  let folderNumber = 0;
  for (const folderValue of values.slots(values.slots(values.root).get(PACKAGE_PATHS)).items()) {
    folderNumber += 1;
    const folder = values.slots(folderValue);
    const folderPath = pathOf('', values.text(folder.get(FOLDER.name)), what);
    if (folderPath !== '') {
      const owner = ownership(values, values.slots(folder.get(FOLDER.acl)));
      yield { path: folderPath, type: 'directory', size: 0, mtime: 0, content: EMPTY, ...owner };
    }
    let fileNumber = 0;
    for (const item of values.slots(folder.get(FOLDER.files)).items()) {
      fileNumber += 1;
      const content = contents.get(`${folderNumber}/${fileNumber}`);
      yield entryOf(values, item, folderPath, content ?? EMPTY, what);
    }
  }
}

function entryOf(values: AdbValues, item: AdbValue, folder: string, content: Buffer, what: string): ApkFile {
  const slots = values.slots(item);
  const path = pathOf(folder, values.text(slots.get(FILE.name)), what);
  const owner = ownership(values, values.slots(slots.get(FILE.acl)));
  const mtime = values.int(slots.get(FILE.mtime));
  const target = values.blob(slots.get(FILE.target));
  if (target !== undefined) return { path, size: 0, mtime, content: EMPTY, ...owner, ...targetOf(target, what) };
  const size = values.int(slots.get(FILE.size));
  if (content.length !== size) throw invalidAdb(what, `${path} has ${content.length} bytes instead of ${size}`);
  const hash = values.blob(slots.get(FILE.hash)) ?? EMPTY;
  if (hash.length < 20 || !hashFits(content, hash))
    throw invalidAdb(what, `${path} has other bytes than its hash says`);
  return { path, type: 'file', size, mtime, content, ...owner };
}
