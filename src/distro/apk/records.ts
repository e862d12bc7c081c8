import { distroError } from '../errors.ts';

/** The largest real index (Alpine edge, testing) has 25 MB of text, an installed database of 3,000 packages 60 MB. */
export const MAX_RECORDS_BYTES = 256 * 1024 * 1024;
/** Packages in one database or index; Alpine has 30,000. */
export const MAX_RECORDS = 1_000_000;

/** One package as `X:value` lines; a letter that stands several times keeps its last value, as apk has it. */
export type ApkRecord = ReadonlyMap<string, string>;

/** A line that is neither empty nor `X:…`. */
export interface BrokenLine {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** Letters of files in an installed database: half of its bytes, and of no interest to who asks for packages. */
const FILE_LETTERS: ReadonlySet<string> = new Set(['F', 'M', 'R', 'a', 'Z']);
const COLON = 58;

/** @throws DISTRO_CONTROL_LIMIT */
export function recordText(bytes: Uint8Array, what: string): string {
  if (bytes.byteLength > MAX_RECORDS_BYTES) {
    throw distroError('DISTRO_CONTROL_LIMIT', `${what} has ${bytes.byteLength} bytes, more than are read`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/**
 * Records of an installed database (v2) or an APKINDEX: one package after another, an empty line between them. A line
 * that is no field is reported and passed over; a record cut short by the end of the file still counts.
 *
 * @see https://wiki.alpinelinux.org/wiki/Apk_spec
 * @throws DISTRO_CONTROL_LIMIT
 */
export function* readRecords(
  bytes: Uint8Array,
  what: string,
  report: (broken: BrokenLine) => void = () => {},
): Generator<ApkRecord, void> {
  const text = recordText(bytes, what);
  let record = new Map<string, string>();
  let count = 0;
  let line = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    line += 1;
    if (end - start < 2) {
      if (record.size > 0) {
        yield record;
        record = new Map();
        count += 1;
        if (count >= MAX_RECORDS) throw distroError('DISTRO_CONTROL_LIMIT', `${what} has over ${MAX_RECORDS} packages`);
      }
    } else if (text.charCodeAt(start + 1) !== COLON) {
      report({ line, text: text.slice(start, Math.min(end, start + 80)) });
    } else {
      const letter = text.charAt(start);
      if (!FILE_LETTERS.has(letter)) record.set(letter, text.slice(start + 2, end));
    }
    start = end + 1;
  }
  if (record.size > 0) yield record;
}

/** A whole number of a field; 0 where it is none. */
export function numberOf(text: string | undefined): number {
  const number = Number(text ?? '');
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
