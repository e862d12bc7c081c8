import { type Digest, isDigest } from '../digest.ts';
import { ociError } from '../errors.ts';
import type { LayerEntry, LayerIndex } from './types.ts';

const VERSION = 1;
const TYPES = ['file', 'directory', 'symlink', 'hardlink', 'character', 'block', 'fifo'] as const;

/** Columns instead of rows: a quarter of the bytes, and JSON.parse makes few objects. */
interface Columns {
  readonly version: number;
  readonly diffId: string;
  readonly bytes: number;
  readonly whiteouts: readonly string[];
  readonly opaques: readonly string[];
  readonly paths: readonly string[];
  /** type, mode, uid, gid, size, mtime of every entry */
  readonly numbers: readonly number[];
  /** position → member */
  readonly links: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, string>>;
  readonly xattrs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** 64 hexadecimal digits an entry, or '' where none was hashed; spaces where one entry has none */
  readonly hashes: string;
}

const WIDTH = 6;
const HASH = 64;

function column<T>(entries: readonly LayerEntry[], member: (entry: LayerEntry) => T | undefined): Record<string, T> {
  const found: Record<string, T> = {};
  entries.forEach((entry, at) => {
    const value = member(entry);
    if (value !== undefined) found[at] = value;
  });
  return found;
}

/** Filled in place: an array an entry would be most of the time that this takes. */
function numbersOf(entries: readonly LayerEntry[]): number[] {
  const numbers = new Array<number>(entries.length * WIDTH);
  let at = 0;
  for (const { type, mode, uid, gid, size, mtime } of entries) {
    numbers[at] = TYPES.indexOf(type);
    numbers[at + 1] = mode;
    numbers[at + 2] = uid;
    numbers[at + 3] = gid;
    numbers[at + 4] = size;
    numbers[at + 5] = mtime;
    at += WIDTH;
  }
  return numbers;
}

/** A layer index as bytes for the cache; `parseLayerIndex` reads it back. */
export function serializeLayerIndex(index: LayerIndex): Buffer {
  const { entries } = index;
  const columns: Columns = {
    version: VERSION,
    diffId: index.diffId,
    bytes: index.bytes,
    whiteouts: index.whiteouts,
    opaques: index.opaques,
    paths: entries.map((entry) => entry.path),
    numbers: numbersOf(entries),
    links: column(entries, (entry) => entry.linkName),
    devices: column(entries, (entry) => entry.device),
    xattrs: column(entries, (entry) => entry.xattrs),
    hashes: entries.some((entry) => entry.sha256 !== undefined)
      ? entries.map((entry) => (entry.sha256 ?? '').padEnd(HASH)).join('')
      : '',
  };
  return Buffer.from(JSON.stringify(columns), 'utf8');
}

function entryAt(columns: Columns, at: number): LayerEntry {
  const { numbers } = columns;
  const base = at * WIDTH;
  const entry: { -readonly [Key in keyof LayerEntry]: LayerEntry[Key] } = {
    path: columns.paths[at] as string,
    type: TYPES[numbers[base] as number] as LayerEntry['type'],
    mode: numbers[base + 1] as number,
    uid: numbers[base + 2] as number,
    gid: numbers[base + 3] as number,
    size: numbers[base + 4] as number,
    mtime: numbers[base + 5] as number,
  };
  const link = columns.links[at];
  if (link !== undefined) entry.linkName = link;
  const hash = columns.hashes.slice(at * HASH, (at + 1) * HASH);
  if (hash !== '' && hash[0] !== ' ') entry.sha256 = hash;
  const device = columns.devices[at];
  if (device !== undefined) entry.device = device;
  const xattrs = columns.xattrs[at];
  if (xattrs !== undefined) entry.xattrs = xattrs;
  return entry;
}

function isColumns(value: unknown): value is Columns {
  if (typeof value !== 'object' || value === null) return false;
  const columns = value as Columns;
  if (columns.version !== VERSION || !isDigest(String(columns.diffId)) || !Number.isSafeInteger(columns.bytes))
    return false;
  const lists = [columns.paths, columns.numbers, columns.whiteouts, columns.opaques].every(Array.isArray);
  const maps = [columns.links, columns.devices, columns.xattrs].every((map) => typeof map === 'object' && map !== null);
  if (!lists || !maps || typeof columns.hashes !== 'string') return false;
  const rows = columns.paths.length;
  return columns.numbers.length === rows * WIDTH && (columns.hashes === '' || columns.hashes.length === rows * HASH);
}

/** @throws OCI_LAYER_INVALID where the bytes are damaged or of another version: index the layer again */
export function parseLayerIndex(bytes: Uint8Array): LayerIndex {
  let columns: unknown;
  try {
    columns = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    columns = undefined;
  }
  if (!isColumns(columns)) {
    throw ociError('OCI_LAYER_INVALID', 'a cached layer index is damaged or of another version', {
      hint: 'Delete the cache; it is made again from the layers.',
    });
  }
  const checked = columns;
  return {
    diffId: checked.diffId as Digest,
    entries: checked.paths.map((_, at) => entryAt(checked, at)),
    whiteouts: checked.whiteouts,
    opaques: checked.opaques,
    bytes: checked.bytes,
  };
}
