import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { decodePath, type TarHeader } from '../../archive/index.ts';
import { sandboxError } from './errors.ts';
import type { Change } from './types.ts';

/** Path → attribute name → value, as the launcher's `xattrs` mode prints them. */
export type Attributes = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

/** The kernel's own marks; `user.` where an ordinary user mounted the overlay, and else an image's own attribute. */
const MARKS = { root: 'trusted.overlay.', user: 'user.overlay.' } as const;

export function parseAttributes(output: Buffer): Attributes {
  const fields = output.toString('latin1').split('\0');
  const attributes = new Map<string, Map<string, Uint8Array>>();
  for (let index = 0; index + 2 < fields.length; index += 3) {
    const path = Buffer.from(fields[index] ?? '', 'latin1');
    const key = decodePath(path);
    const values = attributes.get(key) ?? new Map<string, Uint8Array>();
    values.set(fields[index + 1] ?? '', Buffer.from(fields[index + 2] ?? '', 'hex'));
    attributes.set(key, values);
  }
  return attributes;
}

/**
 * Reads an overlayfs upper layer: a character device 0:0 is a whiteout, the attribute `trusted.overlay.opaque` hides a
 * folder's lower content (Documentation/filesystems/overlayfs.rst). Order: by path, parents first.
 */
export function* readUpper(root: string, attributes: Attributes, rootless = false): Generator<Change> {
  const marks = rootless ? MARKS.user : MARKS.root;
  yield* readFolder(Buffer.from(`${root}/`), '', { attributes, marks }, new Map());
}

interface Marked {
  readonly attributes: Attributes;
  readonly marks: string;
}

function* readFolder(folder: Buffer, prefix: string, marked: Marked, seen: Map<string, string>): Generator<Change> {
  const names = readdirSync(folder, { encoding: 'buffer' }).sort(Buffer.compare);
  for (const name of names) {
    const file = Buffer.concat([folder, name]);
    const path = prefix + decodePath(name);
    const stat = lstatSync(file, { bigint: true });
    if (stat.isCharacterDevice() && stat.rdev === 0n) {
      yield { kind: 'whiteout', path };
      continue;
    }
    const inode = stat.ino.toString();
    const first = stat.nlink > 1n && !stat.isDirectory() ? seen.get(inode) : undefined;
    seen.set(inode, first ?? path);
    const own = marked.attributes.get(path);
    const header = headerOf(file, path, stat, first, own, marked.marks);
    yield { kind: 'entry', header, ...(header.type === 'file' ? { content: file } : {}) };
    if (!stat.isDirectory()) continue;
    if (own?.get(`${marked.marks}opaque`)?.[0] === 0x79) yield { kind: 'opaque', path };
    yield* readFolder(Buffer.concat([file, Buffer.from('/')]), `${path}/`, marked, seen);
  }
}

export function headerOf(
  file: Buffer,
  path: string,
  stat: BigIntStats,
  link: string | undefined,
  attributes: ReadonlyMap<string, Uint8Array> | undefined,
  marks: string = MARKS.root,
): TarHeader {
  const kept = [...(attributes ?? [])]
    .filter(([name]) => !name.startsWith(MARKS.root) && !name.startsWith(marks))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const common = {
    path,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: 0,
    mtime: Number(stat.mtimeNs / 1_000_000_000n),
    ...(kept.length > 0 ? { xattrs: new Map(kept) } : {}),
  };
  if (link !== undefined) return { ...common, type: 'hardlink', linkName: link };
  if (stat.isFile()) return { ...common, type: 'file', size: Number(stat.size) };
  if (stat.isDirectory()) return { ...common, type: 'directory' };
  if (stat.isSymbolicLink()) {
    return { ...common, type: 'symlink', linkName: decodePath(readlinkSync(file, { encoding: 'buffer' })) };
  }
  if (stat.isFIFO()) return { ...common, type: 'fifo' };
  throw sandboxError('SANDBOX_FAILED', `a command left something that no layer can hold at /${path}`, {
    hint: 'Sockets and device nodes cannot be part of an image.',
  });
}
