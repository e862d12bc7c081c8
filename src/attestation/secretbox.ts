import { timingSafeEqual } from 'node:crypto';

/**
 * NaCl's secretbox (XSalsa20 and Poly1305), which node:crypto has not: cosign seals private keys with it. For a key of
 * some hundred bytes, once per process; not made for bulk data.
 * @see https://cr.yp.to/snuffle/xsalsa-20110204.pdf and https://datatracker.ietf.org/doc/html/rfc8439#section-2.5
 */

/** "expand 32-byte k" */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const TAG = 16;
export const SECRETBOX_NONCE = 24;
export const SECRETBOX_KEY = 32;

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** Positions that a quarter round mixes: columns, then rows. */
const QUARTERS = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
] as const;

/** Twenty rounds over a block of sixteen words, in place. */
function rounds(x: Uint32Array): void {
  const at = (index: number): number => x[index] as number;
  for (let double = 0; double < 10; double += 1) {
    for (const [a, b, c, d] of QUARTERS) {
      x[b] = at(b) ^ rotate((at(a) + at(d)) | 0, 7);
      x[c] = at(c) ^ rotate((at(b) + at(a)) | 0, 9);
      x[d] = at(d) ^ rotate((at(c) + at(b)) | 0, 13);
      x[a] = at(a) ^ rotate((at(d) + at(c)) | 0, 18);
    }
  }
}

/** Key and sixteen bytes of input between the four constants. */
function block(key: Buffer, input: Buffer): Uint32Array {
  const x = new Uint32Array(16);
  SIGMA.forEach((word, index) => {
    x[index * 5] = word;
  });
  for (let word = 0; word < 4; word += 1) {
    x[1 + word] = key.readUInt32LE(word * 4);
    x[6 + word] = input.readUInt32LE(word * 4);
    x[11 + word] = key.readUInt32LE(16 + word * 4);
  }
  return x;
}

const bytesOf = (words: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => {
    bytes.writeUInt32LE(word >>> 0, index * 4);
  });
  return bytes;
};

function hsalsa20(key: Buffer, input: Buffer): Buffer {
  const x = block(key, input);
  rounds(x);
  return bytesOf([0, 5, 10, 15, 6, 7, 8, 9].map((index) => x[index] as number));
}

/** The first `length` bytes of the key stream of XSalsa20. */
function keyStream(key: Buffer, nonce: Buffer, length: number): Buffer {
  const derived = hsalsa20(key, nonce.subarray(0, 16));
  const blocks: Buffer[] = [];
  for (let counter = 0; blocks.length * 64 < length; counter += 1) {
    const input = Buffer.alloc(16);
    nonce.copy(input, 0, 16, 24);
    input.writeUInt32LE(counter, 8);
    const start = block(derived, input);
    const mixed = Uint32Array.from(start);
    rounds(mixed);
    blocks.push(bytesOf([...mixed].map((word, index) => (word + (start[index] as number)) | 0)));
  }
  return Buffer.concat(blocks).subarray(0, length);
}

const littleEndian = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);

function poly1305(key: Buffer, message: Buffer): Buffer {
  const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  const prime = (1n << 130n) - 5n;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const part = message.subarray(at, at + 16);
    sum = ((sum + littleEndian(part) + (1n << BigInt(8 * part.length))) * r) % prime;
  }
  const tag = (sum + littleEndian(key.subarray(16, 32))) & ((1n << 128n) - 1n);
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse();
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ (b[index] as number)));

/** Tag and ciphertext. */
export function sealSecretbox(plain: Buffer, nonce: Buffer, key: Buffer): Buffer {
  const stream = keyStream(key, nonce, 32 + plain.length);
  const sealed = xor(plain, stream.subarray(32));
  return Buffer.concat([poly1305(stream.subarray(0, 32), sealed), sealed]);
}

/** Undefined when the key is not the one it was sealed with, or a byte was changed. */
export function openSecretbox(box: Buffer, nonce: Buffer, key: Buffer): Buffer | undefined {
  if (box.length < TAG) return undefined;
  const sealed = box.subarray(TAG);
  const stream = keyStream(key, nonce, 32 + sealed.length);
  if (!timingSafeEqual(poly1305(stream.subarray(0, 32), sealed), box.subarray(0, TAG))) return undefined;
  return xor(sealed, stream.subarray(32));
}
