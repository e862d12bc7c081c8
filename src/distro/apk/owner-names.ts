const BLOCK = 512;
/** Fields of a ustar header (POSIX.1, pax). */
const SIZE = { at: 124, length: 12 } as const;
const TYPE = 156;
const USER = { at: 265, length: 32 } as const;
const GROUP = { at: 297, length: 32 } as const;
/** Blocks that say something of the entry after them: pax, GNU. */
const METADATA = new Set(['x', 'g', 'X', 'L', 'K', 'N', 'V']);

const textOf = (block: Buffer, { at, length }: { at: number; length: number }): string => {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end < 0 || end > at + length ? at + length : end);
};

/**
 * Names of the owners of an archive's entries, in their order. apk goes by the names: numbers are those of the machine
 * that built the package. Only for archives that were read whole before, which this is no check of.
 */
export function ownerNames(tar: Buffer): readonly { readonly user: string; readonly group: string }[] {
  const names: { user: string; group: string }[] = [];
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const block = tar.subarray(at, at + BLOCK);
    if (block[0] === 0) break;
    const type = String.fromCharCode(block[TYPE] ?? 0);
    const size = Number.parseInt(textOf(block, SIZE).trim() || '0', 8);
    if (!Number.isSafeInteger(size)) break;
    if (!METADATA.has(type)) names.push({ user: textOf(block, USER), group: textOf(block, GROUP) });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return names;
}
