import { decompressBuffer, detectCompression, readAr } from '../../archive/index.ts';

const AR_MAGIC = '!<arch>\n';

/** One member in the common ar format (ar(5)): fixed-width text header, content padded to even length. */
function member(name: string, content: Uint8Array): Uint8Array[] {
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.byteLength).padEnd(10)}\`\n`;
  return [Buffer.from(header, 'latin1'), content, ...(content.byteLength % 2 === 1 ? [Buffer.from('\n')] : [])];
}

/**
 * The same package with its data member uncompressed, which deb(5) allows. dpkg then copies instead of decompressing;
 * the same package is unpacked once for a whole fleet. Only for packages whose hash was verified: the result has
 * another one.
 */
export async function plainDeb(deb: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = [Buffer.from(AR_MAGIC, 'latin1')];
  for (const { name, content } of readAr(deb)) {
    if (!name.startsWith('data.tar')) parts.push(...member(name, content));
    else parts.push(...member('data.tar', await decompressBuffer(content, detectCompression(content))));
  }
  return Buffer.concat(parts);
}
