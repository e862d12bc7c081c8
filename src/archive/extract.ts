import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { asCodedError } from '../base/index.ts';
import { archiveError } from './errors.ts';
import { makeFolder, native, RootFolder, statIfThere } from './root-folder.ts';
import { readTarBuffer } from './tar-buffer.ts';
import { scanTar, type TarContentSink, type TarHandler, type TarReadOptions } from './tar-parser.ts';
import type { ArchiveLimits, TarHeader } from './types.ts';
import { setXattrs } from './xattrs.ts';

export interface ExtractOptions extends TarReadOptions {
  /** Set owners; default: when running as root, else everything belongs to who runs it. */
  readonly owner?: boolean;
  /** Makes a device node or fifo at a path inside the root; false when it could not. Without it they are skipped. */
  readonly makeNode?: (path: string, header: TarHeader) => boolean;
  /** Entries to unpack; all by default. A layer's whiteout markers are for the caller to filter. */
  readonly filter?: (header: TarHeader) => boolean;
  /**
   * A folder entry where a symlink to a folder stands: 'keep' the symlink, as dpkg does (merged /usr), or 'replace'
   * it, as container engines do with layers. Default 'keep'.
   */
  readonly folderOverSymlink?: 'keep' | 'replace';
  readonly limits?: Partial<ArchiveLimits>;
}

export interface ExtractResult {
  /** Entries unpacked. */
  readonly entries: number;
  /** What the archive asked for and the host could not do: `PATH: what`. */
  readonly incomplete: readonly string[];
}

export interface ExtractedBuffer extends ExtractResult {
  /** Folders that the archive names: real path → header. */
  readonly folders: ReadonlyMap<string, TarHeader>;
}

const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
const PRIVATE = 0o600;
/** Milliseconds a Date can be away from 1970 (ECMA-262). */
const MAX_DATE = 8.64e15;

/** A negative number means "now" to Node; a Date before 1970 does not. */
function times({ mtime }: TarHeader): [access: number | Date, modified: number | Date] {
  const time = mtime >= 0 ? mtime : new Date(Math.max(mtime * 1000, -MAX_DATE));
  return [time, time];
}

const isExisting = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EEXIST';

/** Unpacks entries one after another with synchronous calls: thousands of small files are bound by calls, not bytes. */
class Extractor implements TarHandler {
  entries = 0;
  readonly incomplete: string[] = [];
  readonly #root: RootFolder;
  readonly #options: ExtractOptions;
  readonly #owner: boolean;
  #open: number | undefined;
  /** Real path → header: folders get their mode and time last, when nothing is written into them any more. */
  readonly #folders = new Map<string, TarHeader>();

  constructor(root: string, options: ExtractOptions) {
    this.#root = new RootFolder(resolve(root));
    this.#options = options;
    this.#owner = options.owner ?? process.geteuid?.() === 0;
  }

  entry(header: TarHeader): 'skip' | TarContentSink {
    if (this.#options.filter?.(header) === false) return 'skip';
    this.entries += 1;
    if (header.type === 'file') return this.#file(header);
    const place = header.type === 'directory' ? this.#folder(header) : this.#root.place(header.path);
    if (header.type === 'symlink') this.#symlink(place, header);
    else if (header.type === 'hardlink') this.#hardlink(place, header);
    else if (header.type !== 'directory') this.#node(place, header);
    return 'skip';
  }

  /** Also for what an error left open. */
  closeOpenFile(): void {
    if (this.#open !== undefined) closeSync(this.#open);
    this.#open = undefined;
  }

  /** Modes, owners and times of folders. */
  finish(): ExtractedBuffer {
    // Deepest first: without root, a folder may shut its own content away.
    for (const [place, header] of [...this.#folders].reverse()) {
      const path = native(place);
      if (this.#owner) chownSync(path, header.uid, header.gid);
      chmodSync(path, header.mode);
      utimesSync(path, ...times(header));
      this.#attributes(place, header);
    }
    return { entries: this.entries, incomplete: this.incomplete, folders: this.#folders };
  }

  #attributes(place: string, header: TarHeader): void {
    if (header.xattrs === undefined) return;
    for (const name of setXattrs(place, header.xattrs)) this.incomplete.push(`${header.path}: attribute ${name}`);
  }

  /** Runs `make`; where something stands at `place`, that goes first. */
  #replacing<T>(place: string, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!isExisting(error)) throw error;
      this.#remove(place);
      return make();
    }
  }

  #remove(place: string): void {
    const found = statIfThere(place);
    if (found === undefined) return;
    if (place === this.#root.root) throw archiveError('ARCHIVE_CORRUPT', 'an entry replaces the root folder');
    if (found.isDirectory()) {
      rmSync(native(place), { recursive: true });
      for (const path of this.#folders.keys()) {
        if (path === place || path.startsWith(`${place}/`)) this.#folders.delete(path);
      }
    } else unlinkSync(native(place));
    if (found.isDirectory() || found.isSymbolicLink()) this.#root.forget();
  }

  #folder(header: TarHeader): string {
    const place = this.#root.place(header.path);
    const found = statIfThere(place);
    if (found?.isSymbolicLink() === true && this.#options.folderOverSymlink !== 'replace') {
      // The symlink stands for the folder it leads to; that one keeps its own mode and owner.
      return this.#root.folder(header.path);
    }
    if (found?.isDirectory() !== true) {
      if (found !== undefined) this.#remove(place);
      makeFolder(place, 0o700);
    }
    this.#folders.set(place, header);
    return place;
  }

  #file(header: TarHeader): TarContentSink {
    const place = this.#root.place(header.path);
    const path = native(place);
    const descriptor = this.#replacing(place, () => openSync(path, CREATE, PRIVATE));
    this.#open = descriptor;
    return {
      write: (chunk) => {
        for (let at = 0; at < chunk.length; ) at += writeSync(descriptor, chunk, at, chunk.length - at);
      },
      end: () => {
        if (this.#owner) fchownSync(descriptor, header.uid, header.gid);
        // After chown, which clears set-id bits.
        fchmodSync(descriptor, header.mode);
        futimesSync(descriptor, ...times(header));
        this.closeOpenFile();
        this.#attributes(place, header);
      },
    };
  }

  #symlink(place: string, header: TarHeader): void {
    const path = native(place);
    this.#replacing(place, () => symlinkSync(native(header.linkName ?? ''), path));
    if (this.#owner) lchownSync(path, header.uid, header.gid);
    lutimesSync(path, ...times(header));
  }

  #hardlink(place: string, header: TarHeader): void {
    const target = this.#root.place(header.linkName ?? '');
    if (target === place) return;
    const found = statIfThere(target);
    if (found === undefined || found.isDirectory()) {
      throw archiveError('ARCHIVE_CORRUPT', `${header.path}: a hardlink to ${header.linkName}, which is no file here`);
    }
    this.#replacing(place, () => linkSync(native(target), native(place)));
  }

  #node(place: string, header: TarHeader): void {
    this.#remove(place);
    if (this.#options.makeNode?.(place, header) !== true) {
      this.incomplete.push(`${header.path}: ${header.type === 'fifo' ? 'fifo' : `${header.type} device`}`);
      return;
    }
    const path = native(place);
    if (this.#owner) lchownSync(path, header.uid, header.gid);
    chmodSync(path, header.mode);
    lutimesSync(path, ...times(header));
  }
}

/** The kernel's word for a user that does not exist here: EINVAL of chown (user_namespaces(7)). */
function withOwnerTrouble(error: unknown): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code !== 'EINVAL' || syscall?.endsWith('chown') !== true) return asCodedError(error);
  return archiveError('ARCHIVE_OWNER_UNMAPPED', `${path ?? 'a file'}: its owner is no user of this user namespace`, {
    cause: error,
    hint: 'Give the user that runs heraklit 65536 subordinate ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER.',
  });
}

/**
 * Unpacks a tar stream into an existing folder: owners (as root), modes, times, hardlinks, attributes.
 * Nothing is ever written outside `root`, whatever symlinks the archive or the folder holds. What stands in the way
 * of an entry is replaced. An error leaves what was unpacked before it: unpack into a scratch folder.
 * @throws ARCHIVE_CORRUPT, ARCHIVE_LIMIT, ARCHIVE_PATH_ESCAPE, ARCHIVE_UNSUPPORTED, DISK_FULL, SYSTEM_ERROR
 */
export async function extractTar(
  source: AsyncIterable<Uint8Array>,
  root: string,
  options: ExtractOptions = {},
): Promise<ExtractResult> {
  const extractor = new Extractor(root, options);
  try {
    await scanTar(source, extractor, options.limits, options);
    const { entries, incomplete } = extractor.finish();
    return { entries, incomplete };
  } catch (error) {
    extractor.closeOpenFile();
    throw withOwnerTrouble(error);
  }
}

/** `extractTar` for an archive in memory; synchronous. */
export function extractTarBuffer(bytes: Uint8Array, root: string, options: ExtractOptions = {}): ExtractedBuffer {
  const extractor = new Extractor(root, options);
  try {
    for (const { content, ...header } of readTarBuffer(bytes, options.limits, options)) {
      const sink = extractor.entry(header);
      if (sink === 'skip') continue;
      sink.write(content);
      sink.end();
    }
    return extractor.finish();
  } catch (error) {
    extractor.closeOpenFile();
    throw withOwnerTrouble(error);
  }
}
