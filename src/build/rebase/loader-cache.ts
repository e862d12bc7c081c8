/** One library of ld.so.cache. */
export interface LoaderCacheEntry {
  readonly name: string;
  readonly path: string;
  readonly flags: number;
  readonly osVersion: number;
  readonly hwcap: bigint;
  /** Folder below glibc-hwcaps that it lies in. */
  readonly hwcaps?: string;
}

export interface LoaderCache {
  readonly entries: readonly LoaderCacheEntry[];
  /** Byte that tells the byte order; 0 from tools that do not say. */
  readonly byteOrder: number;
  /** What wrote it, as it says. */
  readonly generator: string;
}

/** glibc, sysdeps/generic/dl-cache.h: `struct cache_file_new`, little endian. */
const MAGIC = 'glibc-ld.so.cache1.1';
const HEADER = 48;
const ENTRY = 24;
const EXTENSION_MAGIC = 0xeaa42174;
const TAG_GENERATOR = 0;
const TAG_HWCAPS = 1;
/** Bit of `hwcap` that makes its low half an index into the names of glibc-hwcaps folders. */
const HWCAP_EXTENSION = 1n << 62n;
/** Libraries in one cache; large desktops have 4,000. */
const MAX_ENTRIES = 100_000;

/** Undefined for any other form: the old one, big endian, or damaged. */
export function readLoaderCache(content: Uint8Array): LoaderCache | undefined {
  try {
    const bytes = Buffer.from(content);
    if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
    const count = bytes.readUInt32LE(20);
    if (count > MAX_ENTRIES) return undefined;
    const text = (at: number): string => {
      const end = bytes.indexOf(0, at);
      if (at >= bytes.length || end < 0) throw new RangeError('a text lies outside the cache');
      return bytes.toString('latin1', at, end);
    };
    const { generator, hwcaps } = readExtensions(bytes, bytes.readUInt32LE(32), text);
    const entries = Array.from({ length: count }, (_, index): LoaderCacheEntry => {
      const at = HEADER + index * ENTRY;
      const hwcap = bytes.readBigUInt64LE(at + 16);
      const folder = (hwcap & HWCAP_EXTENSION) === 0n ? undefined : hwcaps[Number(hwcap & 0xffff_ffffn)];
      return {
        name: text(bytes.readUInt32LE(at + 4)),
        path: text(bytes.readUInt32LE(at + 8)),
        flags: bytes.readInt32LE(at),
        osVersion: bytes.readUInt32LE(at + 12),
        hwcap,
        ...(folder === undefined ? {} : { hwcaps: folder }),
      };
    });
    return { entries, generator, byteOrder: bytes.readUInt8(28) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readExtensions(
  bytes: Buffer,
  offset: number,
  text: (at: number) => string,
): { readonly generator: string; readonly hwcaps: readonly string[] } {
  let generator = '';
  const hwcaps: string[] = [];
  if (bytes.readUInt32LE(offset) !== EXTENSION_MAGIC) throw new RangeError('no extensions');
  const count = bytes.readUInt32LE(offset + 4);
  for (let at = offset + 8; at < offset + 8 + count * 16; at += 16) {
    const [tag, start, size] = [0, 8, 12].map((field) => bytes.readUInt32LE(at + field)) as [number, number, number];
    if (tag === TAG_GENERATOR) generator = bytes.toString('latin1', start, start + size);
    else if (tag === TAG_HWCAPS) {
      for (let one = start; one < start + size; one += 4) hwcaps.push(text(bytes.readUInt32LE(one)));
    }
  }
  return { generator, hwcaps };
}

/** As ldconfig writes it (glibc, elf/cache.c, save_cache): entries in the order given, texts sharing their ends. */
export function writeLoaderCache({ entries, generator, byteOrder }: LoaderCache): Buffer {
  const folders = [...new Set(entries.flatMap(({ hwcaps }) => hwcaps ?? []))].sort();
  const { offsets, table } = textTable([...entries.flatMap(({ name, path }) => [name, path]), ...folders]);
  const start = HEADER + entries.length * ENTRY;
  const at = (value: string): number => start + (offsets.get(value) ?? 0);
  const bytes = Buffer.alloc(start);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(entries.length, 20);
  bytes.writeUInt32LE(table.length, 24);
  bytes.writeUInt8(byteOrder, 28);
  const padding = (4 - ((start + table.length) % 4)) % 4;
  const extension = start + table.length + padding;
  bytes.writeUInt32LE(extension, 32);
  for (const [index, entry] of entries.entries()) {
    const offset = HEADER + index * ENTRY;
    const folder = entry.hwcaps === undefined ? -1 : folders.indexOf(entry.hwcaps);
    bytes.writeInt32LE(entry.flags, offset);
    bytes.writeUInt32LE(at(entry.name), offset + 4);
    bytes.writeUInt32LE(at(entry.path), offset + 8);
    bytes.writeUInt32LE(entry.osVersion, offset + 12);
    bytes.writeBigUInt64LE(folder < 0 ? entry.hwcap : HWCAP_EXTENSION | BigInt(folder), offset + 16);
  }
  return Buffer.concat([bytes, table, Buffer.alloc(padding), extensionsOf(extension, folders.map(at), generator)]);
}

function extensionsOf(offset: number, folders: readonly number[], generator: string): Buffer {
  const count = folders.length > 0 ? 2 : 1;
  const head = Buffer.alloc(8 + count * 16);
  const names = Buffer.alloc(folders.length * 4);
  for (const [index, folder] of folders.entries()) names.writeUInt32LE(folder, index * 4);
  const text = Buffer.from(generator, 'latin1');
  head.writeUInt32LE(EXTENSION_MAGIC, 0);
  head.writeUInt32LE(count, 4);
  const section = (index: number, tag: number, start: number, size: number): void => {
    head.writeUInt32LE(tag, 8 + index * 16);
    head.writeUInt32LE(start, 8 + index * 16 + 8);
    head.writeUInt32LE(size, 8 + index * 16 + 12);
  };
  section(0, TAG_GENERATOR, offset + head.length + names.length, text.length);
  if (folders.length > 0) section(1, TAG_HWCAPS, offset + head.length, names.length);
  return Buffer.concat([head, names, text]);
}

/** Texts one after another, a text that is the end of another lying inside it (glibc, elf/stringtable.c). */
function textTable(texts: readonly string[]): {
  readonly offsets: ReadonlyMap<string, number>;
  readonly table: Buffer;
} {
  const sorted = [...new Set(texts)].sort(byEnd);
  const offsets = new Map<string, number>();
  const parts: Buffer[] = [];
  let end = 0;
  let previous: string | undefined;
  for (const text of sorted) {
    if (previous?.endsWith(text) === true) {
      offsets.set(text, (offsets.get(previous) ?? 0) + previous.length - text.length);
    } else {
      offsets.set(text, end);
      parts.push(Buffer.from(`${text}\0`, 'latin1'));
      end += text.length + 1;
    }
    previous = text;
  }
  return { offsets, table: Buffer.concat(parts) };
}

/** Greatest last character first; of two where one is the other's end, the longer one first. */
function byEnd(a: string, b: string): number {
  const common = Math.min(a.length, b.length);
  for (let at = 1; at <= common; at += 1) {
    const difference = b.charCodeAt(b.length - at) - a.charCodeAt(a.length - at);
    if (difference !== 0) return difference;
  }
  return b.length - a.length;
}

/** ldconfig's order, the greatest name first, libraries for better processors before the plain one. */
export function byLdconfig(a: LoaderCacheEntry, b: LoaderCacheEntry): number {
  const names = compareNames(b.name, a.name);
  if (names !== 0) return names;
  if (a.flags !== b.flags) return b.flags - a.flags;
  if ((a.hwcaps === undefined) !== (b.hwcaps === undefined)) return a.hwcaps === undefined ? 1 : -1;
  if (a.hwcaps !== undefined && b.hwcaps !== undefined) return a.hwcaps < b.hwcaps ? -1 : a.hwcaps > b.hwcaps ? 1 : 0;
  return a.hwcap === b.hwcap ? 0 : a.hwcap < b.hwcap ? 1 : -1;
}

/** Digits by their number, all else by character (glibc, elf/dl-cache.c, _dl_cache_libcmp). */
function compareNames(a: string, b: string): number {
  let [i, j] = [0, 0];
  const digits = (text: string, from: number): string => /^\d*/.exec(text.slice(from))?.[0] ?? '';
  while (i < a.length) {
    const [x, y] = [digits(a, i), digits(b, j)];
    if (x !== '' && y !== '') {
      if (Number(x) !== Number(y)) return Number(x) - Number(y);
      i += x.length;
      j += y.length;
    } else if (x !== '') return 1;
    else if (y !== '') return -1;
    else if (j >= b.length || a.charCodeAt(i) !== b.charCodeAt(j)) return a.charCodeAt(i) - (b.charCodeAt(j) || 0);
    else {
      i += 1;
      j += 1;
    }
  }
  return j < b.length ? -b.charCodeAt(j) : 0;
}
