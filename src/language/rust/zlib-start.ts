/** First byte of what zlib writes. */
export const ZLIB = 0x78;
/** The second one, at each of its levels. */
const LEVELS: ReadonlySet<number | undefined> = new Set([0x01, 0x5e, 0x9c, 0xda]);
const BRACE = 0x7b;
/** Kinds of block (RFC 1951, 3.2.3). */
const Block = { stored: 0, fixed: 1, dynamic: 2 } as const;

/**
 * Whether zlib text that begins with a brace may start here. Says yes to every one of those, and to few other bytes: much
 * cheaper than to try and unpack them.
 */
export function mayBePackedJson(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== ZLIB || !LEVELS.has(bytes[at + 1]) || at + 12 > bytes.length) return false;
  const first = bytes[at + 2] as number;
  const kind = (first >> 1) & 3;
  if (kind === Block.stored) return bytes[at + 7] === BRACE;
  // The code of a brace, from the most significant bit: 0x30 + 0x7b.
  if (kind === Block.fixed) return bitsReversed(bytes.readUInt16LE(at + 2) >> 3) === 0x30 + BRACE;
  return kind === Block.dynamic && isCompleteCode(bytes, at + 2);
}

/** Lengths of the codes of code lengths must use up all codes there are (RFC 1951, 3.2.7). */
function isCompleteCode(bytes: Buffer, at: number): boolean {
  let bit = at * 8 + 3;
  const take = (count: number): number => {
    let value = 0;
    for (let index = 0; index < count; index += 1, bit += 1) {
      value |= (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) << index;
    }
    return value;
  };
  if (take(5) > 29 || take(5) > 29) return false;
  const count = take(4) + 4;
  let used = 0;
  for (let index = 0; index < count; index += 1) {
    const length = take(3);
    if (length > 0) used += 128 >> length;
  }
  return used === 128;
}

function bitsReversed(value: number): number {
  let result = 0;
  for (let index = 0; index < 8; index += 1) result |= ((value >> index) & 1) << (7 - index);
  return result;
}
