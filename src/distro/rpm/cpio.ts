/** Entries of one payload; the largest packages have 200,000. */
const MAX_ENTRIES = 2_000_000;
const MAX_NAME = 4096;
const HEADER = 110;
/** `07070X`: rpm's own form for packages with files over 4 GiB, which leaves everything to the package's header. */
const STRIPPED_HEADER = 14;
const TRAILER = 'TRAILER!!!';

export type CpioEntry =
  | {
      readonly kind: 'file';
      /** As it stands there, usually with `./` before it. */
      readonly path: string;
      /** Type and permission bits (st_mode). */
      readonly mode: number;
      readonly inode: number;
      /** Names of the same inode; its content comes with the last of them. */
      readonly links: number;
      readonly content: Buffer;
    }
  | { readonly kind: 'indexed'; readonly index: number; readonly content: Buffer };

const align = (at: number): number => (at + 3) & ~3;

function hex(bytes: Buffer, at: number): number {
  const text = bytes.toString('latin1', at, at + 8);
  if (!/^[0-9a-fA-F]{8}$/.test(text)) throw new Error('a number in it is not hexadecimal');
  return Number.parseInt(text, 16);
}

function cut(bytes: Buffer, from: number, size: number): Buffer {
  if (from + size > bytes.length) throw new Error('it is cut off');
  return bytes.subarray(from, from + size);
}

/**
 * Entries of a cpio archive in rpm's form: newc (070701, 070702) or stripped (07070X).
 *
 * @param sizeOf size of a file by its number in the package's header, for the stripped form
 * @throws Error that says what is wrong
 */
export function* readCpio(bytes: Buffer, sizeOf: (index: number) => number | undefined): Generator<CpioEntry, void> {
  let at = 0;
  for (let count = 0; ; count += 1) {
    if (count > MAX_ENTRIES) throw new Error(`it has more than ${MAX_ENTRIES} entries`);
    const magic = cut(bytes, at, 6).toString('latin1');
    if (magic === '07070X') {
      const index = hex(cut(bytes, at, STRIPPED_HEADER), 6);
      const size = sizeOf(index);
      if (size === undefined) throw new Error(`its header has no file ${index}`);
      const start = align(at + STRIPPED_HEADER);
      yield { kind: 'indexed', index, content: cut(bytes, start, size) };
      at = align(start + size);
      continue;
    }
    if (magic !== '070701' && magic !== '070702') throw new Error('an entry does not begin like one');
    const head = cut(bytes, at, HEADER);
    const [inode, mode, links] = [hex(head, 6), hex(head, 14), hex(head, 38)];
    const [size, nameSize] = [hex(head, 54), hex(head, 94)];
    if (nameSize < 1 || nameSize > MAX_NAME) throw new Error(`a name has ${nameSize} bytes`);
    const path = cut(bytes, at + HEADER, nameSize - 1).toString('utf8');
    const start = align(at + HEADER + nameSize);
    if (path === TRAILER) return;
    yield { kind: 'file', path, mode, inode, links, content: cut(bytes, start, size) };
    at = align(start + size);
  }
}
