import type { ReportProblem } from './sqlite-table.ts';

const FILE_MAGIC = 'RpmP';
const SLOT_MAGIC = 'Slot';
const HEAD_MAGIC = 'BlbS';
const TAIL_MAGIC = 'BlbE';
const PAGE = 4096;
const SLOT = 16;
/** The file's own header takes the place of the first two slots. */
const FIRST_SLOT = 2;
const BLOCK = 16;
const HEAD = 16;
const TAIL = 12;

/** RFC 1950, over part of a buffer. */
function adler32(bytes: Buffer, from: number, to: number): number {
  let low = 1;
  let high = 0;
  for (let at = from; at < to; ) {
    // So many sums fit before one of them could lose precision.
    for (const stop = Math.min(at + 4096, to); at < stop; at += 1) {
      low += bytes[at] as number;
      high += low;
    }
    low %= 65_521;
    high %= 65_521;
  }
  return high * 65_536 + low;
}

/**
 * Package headers of an ndb database (Packages.db): pages of slots, each pointing to a blob in blocks of 16 bytes.
 *
 * @throws Error where it is no such database
 * @see https://github.com/rpm-software-management/rpm/blob/master/lib/backend/ndb/rpmpkg.c
 */
export function* readNdb(source: Uint8Array, report: ReportProblem): Generator<Buffer, void> {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const magic = (at: number): string => bytes.toString('latin1', at, at + 4);
  if (bytes.length < PAGE || magic(0) !== FILE_MAGIC) throw new Error('it is no ndb database');
  const version = bytes.readUInt32LE(4);
  if (version !== 0) throw new Error(`its format is version ${version}`);
  const slots = Math.min(bytes.readUInt32LE(12) * PAGE, bytes.length);
  if (slots === 0) throw new Error('it has no slots');
  /** Bytes that may still come: blobs do not overlap, so that a small file cannot stand for a long list. */
  let left = bytes.length;
  for (let at = FIRST_SLOT * SLOT; at + SLOT <= slots; at += SLOT) {
    if (magic(at) !== SLOT_MAGIC) {
      report(`a slot at byte ${at} is damaged`);
      continue;
    }
    const index = bytes.readUInt32LE(at + 4);
    const start = bytes.readUInt32LE(at + 8) * BLOCK;
    const space = bytes.readUInt32LE(at + 12) * BLOCK;
    if (index === 0 || start === 0) continue;
    const problem = (): string | undefined => {
      if (start < slots || start + space > bytes.length || space < HEAD + TAIL) return 'lies outside the file';
      if (magic(start) !== HEAD_MAGIC || bytes.readUInt32LE(start + 4) !== index) return 'is not where its slot says';
      const size = bytes.readUInt32LE(start + 12);
      if (size > space - HEAD - TAIL) return 'is longer than its space';
      const end = start + space - TAIL;
      if (magic(end + 8) !== TAIL_MAGIC || bytes.readUInt32LE(end + 4) !== size) return 'has no end';
      left -= space;
      return left < 0 ? 'overlaps with others' : undefined;
    };
    const why = problem();
    if (why !== undefined) {
      report(`package ${index} ${why}`);
      continue;
    }
    const end = start + space - TAIL;
    // Told, and read all the same: a flipped bit in a description costs nobody a package.
    if (adler32(bytes, start, end) !== bytes.readUInt32LE(end)) report(`package ${index} has a wrong checksum`);
    yield bytes.subarray(start + HEAD, start + HEAD + bytes.readUInt32LE(start + 12));
  }
}
