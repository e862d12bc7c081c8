import { createHash } from 'node:crypto';

/** One element of DER (X.690): its tag, its content, and all of its bytes. */
interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const UTF8_STRING = 0x0c;
const CONTEXT_0 = 0xa0;
/** Kinds of text that OpenSSL compares as text: everything else is compared byte for byte. */
const TEXTS: Readonly<Record<number, (bytes: Buffer) => string>> = {
  [UTF8_STRING]: (bytes) => bytes.toString('utf8'),
  19: (bytes) => bytes.toString('latin1'), // PrintableString
  20: (bytes) => bytes.toString('latin1'), // TeletexString
  22: (bytes) => bytes.toString('latin1'), // IA5String
  26: (bytes) => bytes.toString('latin1'), // VisibleString
  28: (bytes) => new TextDecoder('utf-16be').decode(Buffer.from(everySecond(bytes))), // UniversalString
  30: (bytes) => new TextDecoder('utf-16be').decode(bytes), // BMPString
};

/** UniversalString within the basic plane: the lower two of four bytes. */
const everySecond = (bytes: Buffer): number[] => [...bytes].filter((_, index) => index % 4 > 1);

function readElements(bytes: Buffer): readonly Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const [tag, first] = [bytes[at], bytes[at + 1]];
    if (tag === undefined || first === undefined) throw new Error('it is cut short');
    at += 2;
    let length = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 4 || at + count > bytes.length) throw new Error('a length is no DER');
      length = bytes.readUIntBE(at, count);
      at += count;
    }
    if (at + length > bytes.length) throw new Error('it is cut short');
    elements.push({ tag, content: bytes.subarray(at, at + length), bytes: bytes.subarray(start, at + length) });
    at += length;
  }
  return elements;
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** OpenSSL's canonical form of a value: UTF-8, lower case (ASCII), blanks trimmed and joined. */
function canonicalValue(value: Element): Buffer {
  const text = TEXTS[value.tag]?.(value.content);
  if (text === undefined) return value.bytes;
  const plain = text
    .replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '')
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return element(UTF8_STRING, Buffer.from(plain, 'utf8'));
}

function canonicalPart(part: Element): Buffer {
  const attributes = readElements(part.content).map((attribute) => {
    const [type, value] = readElements(attribute.content);
    if (type === undefined || value === undefined) throw new Error('its subject is no name');
    return element(SEQUENCE, Buffer.concat([type.bytes, canonicalValue(value)]));
  });
  return element(SET, Buffer.concat(attributes.toSorted(Buffer.compare)));
}

/**
 * What `openssl x509 -subject_hash` prints: the name by which OpenSSL looks for a certificate in a folder.
 * @param certificate DER
 * @see https://docs.openssl.org/3.0/man1/openssl-rehash/
 */
export function subjectHash(certificate: Buffer): string {
  const fields = readElements(
    readElements(readElements(certificate)[0]?.content ?? Buffer.alloc(0))[0]?.content ?? Buffer.alloc(0),
  );
  // version (optional), serial number, algorithm, issuer, validity, subject
  const subject = fields[fields[0]?.tag === CONTEXT_0 ? 5 : 4];
  if (subject?.tag !== SEQUENCE) throw new Error('it has no subject');
  const parts = readElements(subject.content).map(canonicalPart);
  const digest = createHash('sha1').update(Buffer.concat(parts)).digest();
  return digest.readUInt32LE(0).toString(16).padStart(8, '0');
}
