import { isUtf8 } from 'node:buffer';
import { archiveError } from './errors.ts';
import { overLimit } from './limits.ts';
import type { ArchiveLimits } from './types.ts';

const REPLACEMENT = '\ufffd';
/** Bytes that are no UTF-8 become U+DC80…U+DCFF (Python's surrogateescape), which no valid text contains. */
const ESCAPE_BASE = 0xdc00;

/** Bytes of a file name as text, without loss: `encodePath` gives the same bytes back. */
export function decodePath(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes(REPLACEMENT) || isUtf8(bytes)) return text;
  let out = '';
  for (let at = 0; at < bytes.length; ) {
    const length = validSequence(bytes, at);
    out +=
      length > 0 ? bytes.toString('utf8', at, at + length) : String.fromCharCode(ESCAPE_BASE + (bytes[at] as number));
    at += length > 0 ? length : 1;
  }
  return out;
}

/** Length of the valid UTF-8 sequence at `at`, 0 where there is none. */
function validSequence(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const sequence = bytes.subarray(at, at + length);
  return sequence.length === length && isUtf8(sequence) ? length : 0;
}

/** The bytes that `decodePath` read. */
export function encodePath(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path, 'utf8');
  const parts: Buffer[] = [];
  for (const character of path) {
    const code = character.charCodeAt(0);
    const escaped = character.length === 1 && code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xff;
    parts.push(escaped ? Buffer.of(code - ESCAPE_BASE) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** True where a path is already in normal form and without `..`: the common case, decided without splitting. */
const NORMAL = /^(?!\/)(?!.*(?:\/\/|\/$|(?:^|\/)\.{1,2}(?:\/|$)))[^\0]+$/s;

/**
 * A name from an archive as a relative path in normal form: no leading `/` or `./`, no double or trailing slash.
 * Absolute names become relative, as in every container engine. `..` is refused wherever it stands.
 * @throws ARCHIVE_PATH_ESCAPE, ARCHIVE_CORRUPT (NUL), ARCHIVE_LIMIT
 */
export function normalizePath(name: string, limits: ArchiveLimits): string {
  if (name.length > limits.pathLength)
    throw overLimit(`a path of ${name.length} characters`, limits.pathLength, 'bytes');
  let path = name.startsWith('./') ? name.slice(2) : name;
  if (path.endsWith('/')) path = path.slice(0, -1);
  if (!NORMAL.test(path)) path = normalizeSlowly(name);
  checkDepth(path, limits);
  return path;
}

function normalizeSlowly(name: string): string {
  if (name.includes('\0')) {
    throw archiveError('ARCHIVE_CORRUPT', `a path holds a NUL byte: ${JSON.stringify(name.slice(0, 200))}`);
  }
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) {
    throw archiveError('ARCHIVE_PATH_ESCAPE', `a path leaves the archive: ${JSON.stringify(name.slice(0, 200))}`, {
      hint: 'The archive is hostile or broken; nothing of it was used.',
    });
  }
  return parts.join('/');
}

function checkDepth(path: string, limits: ArchiveLimits): void {
  let depth = 1;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth += 1;
  if (depth > limits.depth) throw overLimit(`a path of ${depth} components`, limits.depth, 'components');
}
