/** First bytes of programs, by format. */
export const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
export const PE_MAGIC = Buffer.from('MZ');
export const MACH_O_MAGICS = [Buffer.from('cffaedfe', 'hex'), Buffer.from('cefaedfe', 'hex')];

const UPX = Buffer.from('UPX!');
/** UPX puts its mark right behind the program headers. */
const UPX_WITHIN = 1024;

/** Packed by UPX: what the program is made of shows only once it runs. */
export function isPacked(head: Buffer): boolean {
  return head.subarray(0, UPX_WITHIN).includes(UPX);
}
