import { distroError } from '../errors.ts';
import { walkXml, type XmlAttributes } from './xml.ts';

/** Bytes of a repomd.xml; real ones have 5,000. */
export const MAX_REPOMD_BYTES = 4 * 1024 * 1024;
/** Bytes of one metadata file, packed or unpacked. Fedora's primary has 200 MiB. */
export const MAX_METADATA_BYTES = 2 * 1024 * 1024 * 1024;
const MAX_FILES = 200;

/** A metadata file of a repository: what is needed to fetch it and to know it is the right one. */
export interface RepomdFile {
  /** Path below the repository's root, without a way out of it. */
  readonly path: string;
  readonly algorithm: 'sha256' | 'sha512';
  /** Hexadecimal. */
  readonly checksum: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes, unpacked; undefined where it does not say. */
  readonly openSize: number | undefined;
}

/** What a repository's repomd.xml says. */
export interface Repomd {
  /** By type: `primary`, `updateinfo`, `modules`. */
  readonly files: ReadonlyMap<string, RepomdFile>;
  /** Seconds since the epoch: the newest of its files, or its revision. */
  readonly date: number;
}

const KEPT: ReadonlySet<string> = new Set(['revision', 'checksum', 'timestamp', 'size', 'open-size']);

/** Digits of each hash. */
const DIGITS = { sha256: 64, sha512: 128 } as const;

interface Draft {
  readonly type: string;
  href: string;
  algorithm: string;
  checksum: string;
  size: number;
  openSize: number | undefined;
}

/** `repodata/x-primary.xml.gz`; anything that leads out of the repository is refused. */
export function safePath(path: string): string | undefined {
  const parts = path.split('/');
  const isSafe = parts.every((part) => part !== '' && part !== '.' && part !== '..' && !part.includes('\0'));
  return isSafe && path.length < 4096 && !path.includes(':') && !path.includes('\\') ? path : undefined;
}

const invalid = (what: string, why: string): Error =>
  distroError('DISTRO_INDEX_INVALID', `${what} ${why}`, {
    hint: 'The mirror is broken or in the middle of an update: try again, or name another mirror.',
  });

function fileOf(draft: Draft, what: string): RepomdFile | undefined {
  const { algorithm, checksum, size, openSize } = draft;
  // Weaker hashes prove nothing; a repository that has no other is refused where the file is asked for.
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return undefined;
  const path = safePath(draft.href);
  if (path === undefined) throw invalid(what, `names a file outside the repository: ${JSON.stringify(draft.href)}`);
  if (checksum.length !== DIGITS[algorithm] || !/^[0-9a-f]+$/.test(checksum)) {
    throw invalid(what, `has no readable checksum of ${path}`);
  }
  if (!(size >= 0 && size <= MAX_METADATA_BYTES)) throw invalid(what, `says that ${path} has ${size} bytes`);
  return { path, algorithm, checksum, size, openSize };
}

const count = (text: string): number => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN);

/** @throws DISTRO_INDEX_INVALID */
export async function readRepomd(bytes: Uint8Array, what: string): Promise<Repomd> {
  if (bytes.byteLength > MAX_REPOMD_BYTES) throw invalid(what, `has ${bytes.byteLength} bytes`);
  const files = new Map<string, RepomdFile>();
  let draft: Draft | undefined;
  let root = '';
  let date = 0;
  const open = (name: string, attributes: XmlAttributes, depth: number): void => {
    if (depth === 0) root = name;
    if (name === 'data' && depth === 1) {
      const type = attributes.type ?? '';
      draft = { type, href: '', algorithm: '', checksum: '', size: Number.NaN, openSize: undefined };
    }
    if (draft === undefined || depth !== 2) return;
    if (name === 'location') draft.href = attributes.href ?? '';
    if (name === 'checksum') draft.algorithm = attributes.type ?? '';
  };
  const close = (name: string, text: string, depth: number): void => {
    if (depth === 1 && name === 'revision' && date === 0) date = count(text) || 0;
    if (depth === 1 && name === 'data' && draft !== undefined) {
      const file = fileOf(draft, what);
      if (file !== undefined) files.set(draft.type, file);
      draft = undefined;
      if (files.size > MAX_FILES) throw invalid(what, `lists more than ${MAX_FILES} files`);
    }
    if (draft === undefined || depth !== 2) return;
    if (name === 'checksum') draft.checksum = text.toLowerCase();
    if (name === 'size') draft.size = count(text);
    if (name === 'open-size') draft.openSize = count(text);
    if (name === 'timestamp') date = Math.max(date, Math.floor(Number(text)) || 0);
  };
  await walkXml(bytes, what, KEPT, { open, close });
  if (root !== 'repomd') throw invalid(what, 'is no repomd.xml');
  return { files, date };
}
