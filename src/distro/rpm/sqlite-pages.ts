const MAGIC = 'SQLite format 3\0';
const WAL_HEADER = 32;
const FRAME_HEADER = 24;

/** Pages of a database file, with those of its write-ahead log in their place. */
export interface SqlitePages {
  readonly pageSize: number;
  /** Bytes of a page that hold content. */
  readonly usable: number;
  readonly bytes: number;
  /** @throws Error for a page that is not there */
  page(number: number): Buffer;
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Frames of a log up to its last commit, newest of each page. What a killed process left uncommitted, and what an earlier
 * run of the log left behind (other salts, wrong sums), does not count.
 * @see https://www.sqlite.org/walformat.html
 */
function committedFrames(source: Uint8Array | undefined, pageSize: number): ReadonlyMap<number, Buffer> {
  const committed = new Map<number, Buffer>();
  if (source === undefined || source.byteLength < WAL_HEADER) return committed;
  const wal = asBuffer(source);
  const magic = wal.readUInt32BE(0);
  if ((magic & ~1) !== 0x377f0682 || wal.readUInt32BE(8) !== pageSize) return committed;
  const read = (at: number): number => ((magic & 1) === 1 ? wal.readUInt32BE(at) : wal.readUInt32LE(at));
  const sums: [number, number] = [0, 0];
  const add = (from: number, to: number): void => {
    for (let at = from; at < to; at += 8) {
      sums[0] = (sums[0] + read(at) + sums[1]) >>> 0;
      sums[1] = (sums[1] + read(at + 4) + sums[0]) >>> 0;
    }
  };
  const matches = (at: number): boolean => wal.readUInt32BE(at) === sums[0] && wal.readUInt32BE(at + 4) === sums[1];
  add(0, 24);
  if (!matches(24)) return committed;
  let pending: [number, Buffer][] = [];
  for (let at = WAL_HEADER; at + FRAME_HEADER + pageSize <= wal.length; at += FRAME_HEADER + pageSize) {
    if (wal.compare(wal, 16, 24, at + 8, at + 16) !== 0) break;
    add(at, at + 8);
    add(at + FRAME_HEADER, at + FRAME_HEADER + pageSize);
    if (!matches(at + 16)) break;
    pending.push([wal.readUInt32BE(at), wal.subarray(at + FRAME_HEADER, at + FRAME_HEADER + pageSize)]);
    if (wal.readUInt32BE(at + 4) === 0) continue;
    for (const [number, page] of pending) committed.set(number, page);
    pending = [];
  }
  return committed;
}

/** @throws Error that says what is wrong */
export function openSqlitePages(source: Uint8Array, log?: Uint8Array): SqlitePages {
  const bytes = asBuffer(source);
  if (bytes.length < 100 || bytes.toString('latin1', 0, 16) !== MAGIC) throw new Error('it is no SQLite database');
  const size = bytes.readUInt16BE(16);
  const pageSize = size === 1 ? 65_536 : size;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) throw new Error(`its page size is ${pageSize}`);
  const usable = pageSize - bytes.readUInt8(20);
  if (usable < 480) throw new Error(`its pages have ${usable} usable bytes`);
  const logged = committedFrames(log, pageSize);
  return {
    pageSize,
    usable,
    bytes: bytes.length + (log?.byteLength ?? 0),
    page(number) {
      const found = logged.get(number) ?? bytes.subarray((number - 1) * pageSize, number * pageSize);
      if (number < 1 || found.length < pageSize) throw new Error(`page ${number} is missing`);
      return found;
    },
  };
}
