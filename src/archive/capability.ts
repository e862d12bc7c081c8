/** Version 2 of the kernel's file capabilities (linux/capability.h, vfs_cap_data), 20 bytes. */
const VERSION_2 = 0x02000000;
const VERSION_MASK = 0xff000000;
const EFFECTIVE = 1;

/**
 * A `security.capability` value in the text form that setcap reads, capabilities by number;
 * undefined for a version or length we do not know.
 */
export function capabilityText(value: Uint8Array): string | undefined {
  const bytes = Buffer.from(value);
  if (bytes.length !== 20) return undefined;
  const magic = bytes.readUInt32LE(0);
  if ((magic & VERSION_MASK) >>> 0 !== VERSION_2) return undefined;
  const effective = (magic & EFFECTIVE) !== 0 ? 'e' : '';
  const permitted = BigInt(bytes.readUInt32LE(4)) | (BigInt(bytes.readUInt32LE(12)) << 32n);
  const inheritable = BigInt(bytes.readUInt32LE(8)) | (BigInt(bytes.readUInt32LE(16)) << 32n);
  const clauses: string[] = [];
  for (let capability = 0n; capability < 64n; capability += 1n) {
    const isPermitted = ((permitted >> capability) & 1n) === 1n;
    const isInheritable = ((inheritable >> capability) & 1n) === 1n;
    if (isPermitted || isInheritable) {
      clauses.push(`${capability}=${effective}${isInheritable ? 'i' : ''}${isPermitted ? 'p' : ''}`);
    }
  }
  return clauses.length === 0 ? undefined : clauses.join(' ');
}
