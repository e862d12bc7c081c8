import { createHash } from 'node:crypto';

/** Ours, made once: names hashed under it are SBOM serial numbers of image digests. */
const NAMESPACE = Buffer.from('8c2f1f0e5d3b4a0f9e6b6a4b7d1c2e30', 'hex');

/** Name-based UUID, version 5 (RFC 9562): the same name gives the same UUID anywhere, any day. */
export function uuidOf(name: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16);
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
