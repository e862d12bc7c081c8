import { lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import { archiveError } from './errors.ts';
import { decodePath, encodePath } from './path.ts';

/** As many as the kernel follows (MAXSYMLINKS). */
const MAX_SYMLINKS = 40;
const IMPLIED_MODE = 0o755;

/** A path for the file system: bytes where the name is no valid text. */
export function native(path: string): string | Buffer {
  return path.isWellFormed() ? path : encodePath(path);
}

/** Another thread that unpacks into the same root may have made it meanwhile. */
export function makeFolder(path: string, mode: number): void {
  try {
    mkdirSync(native(path), { mode });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST' && statIfThere(path)?.isDirectory() === true;
    if (!isThere) throw error;
  }
}

export function statIfThere(path: string): Stats | undefined {
  return lstatSync(native(path), { throwIfNoEntry: false });
}

/**
 * A folder that archives are unpacked into. Finds where an archive's path really lies, following symlinks as if the
 * folder were `/`: `lib -> usr/lib` and `lib -> /usr/lib` both stay inside, `..` stops at the folder itself.
 * Nobody but us may change the folder meanwhile: names are checked, then used. Two of us may fill one root together when
 * only folders lie in both archives.
 */
export class RootFolder {
  readonly root: string;
  /** Archive folder → real path, so that each folder is looked at once. */
  readonly #known = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
    this.#known.set('', root);
  }

  /** To be called when a folder or symlink was replaced: what lay below it may lie elsewhere now. */
  forget(): void {
    this.#known.clear();
    this.#known.set('', this.root);
  }

  /** Real path of an entry: its folder resolved (made where missing), its own name not followed. @throws ARCHIVE_CORRUPT */
  place(path: string): string {
    const slash = path.lastIndexOf('/');
    const folder = this.folder(slash < 0 ? '' : path.slice(0, slash));
    return path === '' ? this.root : `${folder}/${path.slice(slash + 1)}`;
  }

  /** Real path of a folder, symlinks followed inside the root, missing folders made. @throws ARCHIVE_CORRUPT */
  folder(path: string): string {
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf('/');
    const parent = this.folder(slash < 0 ? '' : path.slice(0, slash));
    const real = this.#enter(parent, path.slice(slash + 1), path, { left: MAX_SYMLINKS });
    this.#known.set(path, real);
    return real;
  }

  /** One step down from the real folder `parent`. */
  #enter(parent: string, name: string, path: string, hops: { left: number }): string {
    if (name === '' || name === '.') return parent;
    if (name === '..') return parent === this.root ? parent : parent.slice(0, parent.lastIndexOf('/'));
    const real = `${parent}/${name}`;
    const found = statIfThere(real);
    if (found === undefined) {
      makeFolder(real, IMPLIED_MODE);
      return real;
    }
    if (found.isDirectory()) return real;
    if (!found.isSymbolicLink())
      throw archiveError('ARCHIVE_CORRUPT', `${path}: lies below something that is no folder`);
    hops.left -= 1;
    if (hops.left < 0) throw archiveError('ARCHIVE_CORRUPT', `${path}: too many symlinks`);
    const target = decodePath(readlinkSync(native(real), { encoding: 'buffer' }));
    return target
      .split('/')
      .reduce((at, step) => this.#enter(at, step, path, hops), target.startsWith('/') ? this.root : parent);
  }
}
