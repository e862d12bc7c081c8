import { type BufferedTarEntry, readTarBuffer } from '../../archive/index.ts';
import { firstMember } from './gzip-members.ts';
import type { ApkSignature } from './keyring.ts';

/** The signatures of one file: real ones have 512 bytes each. */
const MAX_SIGNATURE_MEMBER_BYTES = 1024 * 1024;
const MAX_SIGNATURES = 64;
/** The decoder cannot tell where a member ends without unpacking it. */
const MAX_FIRST_MEMBER_BYTES = 256 * 1024 * 1024;

/** A v2 package or index: gzip streams behind each other, signatures first, that make up one tar archive. */
export interface SignedArchive {
  readonly signatures: readonly ApkSignature[];
  /** Everything behind the signatures. */
  readonly rest: Buffer;
}

/** Parts of the archive end without the blocks that end an archive: the next part goes on. */
export function* tarEntries(content: Buffer): Generator<BufferedTarEntry, void> {
  yield* readTarBuffer(content, {}, { allowMissingEnd: true });
}

/**
 * Takes the signatures off.
 * @throws Error what is wrong with the bytes; ARCHIVE_*
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-v2.5.scd
 */
export function splitSignatures(bytes: Uint8Array): SignedArchive {
  let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const signatures: ApkSignature[] = [];
  while (rest.length > 0) {
    const member = firstMember(rest, MAX_FIRST_MEMBER_BYTES);
    // Read one by one: of a large part that is no signature only the first entry is looked at.
    const entries = tarEntries(member.content);
    const first = entries.next();
    if (first.done === true || !first.value.path.startsWith('.SIGN.')) break;
    if (member.content.length > MAX_SIGNATURE_MEMBER_BYTES) throw new Error('its signatures are too large');
    for (const { path, content } of [first.value, ...entries]) signatures.push({ name: path, bytes: content });
    if (signatures.length > MAX_SIGNATURES) throw new Error('it has too many signatures');
    rest = rest.subarray(member.raw.length);
  }
  return { signatures, rest };
}
