import { archiveError } from './errors.ts';
import { asBuffer } from './tar-parser.ts';

export interface ArMember {
  readonly name: string;
  /** A view of the archive's bytes. */
  readonly content: Buffer;
}

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
/** A .deb has three members; a static library of ours is never read. */
const MAX_MEMBERS = 100_000;

const corrupt = (why: string): Error => archiveError('ARCHIVE_CORRUPT', `bad ar archive: ${why}`);

function decimal(buffer: Buffer, start: number, end: number, what: string): number {
  const text = buffer.toString('latin1', start, end).trimEnd();
  if (!/^\d+$/.test(text)) throw corrupt(`${what} is not a number`);
  return Number(text);
}

/** GNU: `name/`, `/123` (offset into the `//` member). BSD: `#1/12` (name stands before the content). */
function nameAndContent(raw: string, body: Buffer, names: Buffer | undefined): ArMember {
  const bsd = /^#1\/(\d+)$/.exec(raw);
  if (bsd !== null) {
    const length = Number(bsd[1]);
    if (length > body.length) throw corrupt('a BSD name is longer than its member');
    return { name: body.toString('latin1', 0, length).replace(/\0+$/, ''), content: body.subarray(length) };
  }
  const gnu = /^\/(\d+)$/.exec(raw);
  if (gnu !== null) {
    const at = Number(gnu[1]);
    const end = names === undefined ? -1 : names.indexOf('/\n', at, 'latin1');
    if (names === undefined || end < 0) throw corrupt('a GNU long name points nowhere');
    return { name: names.toString('latin1', at, end), content: body };
  }
  return { name: raw.length > 1 && raw.endsWith('/') ? raw.slice(0, -1) : raw, content: body };
}

/**
 * Reads a common ar archive (deb(5), GNU and BSD name variants); members are views of `bytes`.
 * The GNU symbol table (`/`) and name table (`//`) are not members.
 * @throws ARCHIVE_CORRUPT
 */
export function readAr(bytes: Uint8Array): readonly ArMember[] {
  const buffer = asBuffer(bytes);
  if (buffer.toString('latin1', 0, MAGIC.length) !== MAGIC) throw corrupt('it does not begin with !<arch>');
  const members: ArMember[] = [];
  let names: Buffer | undefined;
  let at = MAGIC.length;
  while (at < buffer.length) {
    if (at + HEADER_BYTES > buffer.length) throw corrupt('a header is truncated');
    if (buffer[at + 58] !== 0x60 || buffer[at + 59] !== 0x0a) throw corrupt(`no header at byte ${at}`);
    const raw = buffer.toString('latin1', at, at + 16).trimEnd();
    const size = decimal(buffer, at + 48, at + 58, 'a member size');
    const start = at + HEADER_BYTES;
    if (start + size > buffer.length) throw corrupt(`member ${JSON.stringify(raw)} is truncated`);
    const body = buffer.subarray(start, start + size);
    if (raw === '//') names = body;
    else if (raw !== '/' && raw !== '/SYM64/') members.push(nameAndContent(raw, body, names));
    if (members.length > MAX_MEMBERS) throw archiveError('ARCHIVE_LIMIT', `over ${MAX_MEMBERS} ar members`);
    at = start + size + (size % 2);
  }
  return members;
}
