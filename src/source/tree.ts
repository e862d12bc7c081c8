import { createHash, type Hash } from 'node:crypto';
import { createTarWriter, decodePath } from '../archive/index.ts';
import type { Digest } from '../oci/index.ts';
import { sourceError } from './errors.ts';
import { isGitFolder } from './git/git-names.ts';
import { checkLinks } from './links.ts';
import { overLimit, shown, unsafe } from './refuse.ts';
import type { TreeEntry } from './tree-entry.ts';
import type { SourceLimits } from './types.ts';

export interface TreeFacts {
  readonly digest: Digest;
  readonly files: number;
  readonly bytes: number;
  /** Paths of LFS pointers. */
  readonly pointers: readonly string[];
}

const MAX_PATH = 4_096;
const MAX_NAME = 255;
const MAX_DEPTH = 128;
const MAX_LINK = 4_096;
/** @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
const POINTER = Buffer.from('version https://git-lfs.github.com/spec/v1\n');
const MAX_POINTER = 1_024;

/**
 * Writes the canonical archive of a source: sorted by path, owners and times zero, modes 0644 or 0755, folders only where
 * empty. The same files give the same bytes, whatever they came by. Looks through every name and link first.
 * @throws SOURCE_UNSAFE, SOURCE_LIMIT
 */
export async function writeTree(
  unsorted: readonly TreeEntry[],
  limits: SourceLimits,
  sink: (chunk: Uint8Array) => Promise<void> | undefined,
): Promise<TreeFacts> {
  const entries = [...unsorted].sort((a, b) => Buffer.compare(a.path, b.path));
  const bytes = checkTree(entries, limits);
  await checkLinks(entries);
  const hash = createHash('sha256');
  const chunks: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => void chunks.push(chunk));
  const pointers: string[] = [];
  const flush = async (): Promise<void> => {
    for (const chunk of chunks.splice(0)) {
      hash.update(chunk);
      await sink(chunk);
    }
  };
  for (const entry of entries) {
    const content = entry.type === 'directory' ? Buffer.alloc(0) : await entry.read();
    if (content.length !== entry.size) throw changed(entry);
    const path = decodePath(entry.path);
    const plain = { path, uid: 0, gid: 0, mtime: 0 };
    if (entry.type === 'symlink') {
      writer.add({ ...plain, type: 'symlink', mode: 0o777, size: 0, linkName: decodePath(content) });
    } else if (entry.type === 'directory') writer.add({ ...plain, type: 'directory', mode: 0o755, size: 0 });
    else {
      if (content.length <= MAX_POINTER && content.subarray(0, POINTER.length).equals(POINTER)) pointers.push(path);
      writer.add({ ...plain, type: 'file', mode: entry.executable ? 0o755 : 0o644, size: content.length }, content);
    }
    await flush();
  }
  writer.finish();
  await flush();
  return { digest: digestOfHash(hash), files: entries.length, bytes, pointers };
}

const digestOfHash = (hash: Hash): Digest => `sha256:${hash.digest('hex')}`;

const changed = (entry: TreeEntry): Error =>
  sourceError('SOURCE_UNSAFE', `${shown(entry.path)} changed while it was read`, {
    hint: 'Read the folder again when nothing writes into it.',
  });

/** Names, sizes and counts; gives the sum of bytes. */
function checkTree(entries: readonly TreeEntry[], limits: SourceLimits): number {
  if (entries.length > limits.files) throw overLimit(`more than ${limits.files} files`);
  let bytes = 0;
  const folders = new Set<string>();
  const files = new Map<string, TreeEntry['type']>();
  for (const entry of entries) {
    const { path, size, type } = entry;
    checkEntry(entry, limits);
    bytes += size;
    if (bytes > limits.bytes) throw overLimit(`more than ${limits.bytes} bytes`);
    const name = path.toString('latin1');
    if (files.has(name)) throw unsafe(`${shown(path)} twice`);
    files.set(name, type);
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) folders.add(name.slice(0, at));
  }
  for (const folder of folders) {
    const type = files.get(folder);
    if (type === undefined) continue;
    throw unsafe(`${shown(Buffer.from(folder, 'latin1'))}, which is a ${type} and has files below it`);
  }
  return bytes;
}

function checkEntry({ path, size, type }: TreeEntry, limits: SourceLimits): void {
  const parts = path.toString('latin1').split('/');
  if (parts.some(isBadName)) throw unsafe(`the name ${shown(path)}`);
  if (path.length > MAX_PATH || parts.length > MAX_DEPTH || parts.some((part) => part.length > MAX_NAME)) {
    throw overLimit(`a path that is too long: ${shown(path)}`);
  }
  if (size > limits.fileBytes) throw overLimit(`${shown(path)} of ${size} bytes, more than ${limits.fileBytes}`);
  if (type === 'symlink' && size > MAX_LINK) throw overLimit(`a link that is too long: ${shown(path)}`);
}

/** @param part its bytes as latin1 */
const isBadName = (part: string): boolean =>
  part === '' ||
  part === '.' ||
  part === '..' ||
  part.includes('\0') ||
  isGitFolder(Buffer.from(part, 'latin1').toString('utf8'));
