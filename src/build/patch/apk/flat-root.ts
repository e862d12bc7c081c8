import type { ApkFile } from '../../../distro/index.ts';
import { type FlatTree, type LayerItem, whiteoutOf } from '../../../oci/index.ts';
import { patchError } from '../errors.ts';
import { realPath } from '../real-path.ts';
import { type ApkRoot, hashInWords, type RootEntry } from './apk-root.ts';

/** Changes to an image's files that become a layer; nothing is unpacked and nothing runs. */
export class FlatRoot implements ApkRoot {
  readonly #tree: FlatTree;
  readonly #files: ReadonlyMap<string, Uint8Array>;
  /** Undefined: it is gone. */
  readonly #changes = new Map<string, ApkFile | undefined>();
  /** Folder → names in it. */
  readonly #children = new Map<string, Set<string>>();

  /** @param files content of the image's files whose hash may be asked for */
  constructor(tree: FlatTree, files: ReadonlyMap<string, Uint8Array>) {
    this.#tree = tree;
    this.#files = files;
    for (const path of tree.keys()) this.#enter(path);
  }

  real(path: string): string {
    return realPath(path, (at) => {
      const found = this.#find(at);
      return found?.type === 'symlink' ? found.linkName : undefined;
    });
  }

  entry(path: string): RootEntry | undefined {
    return this.#find(path);
  }

  hash(path: string, algorithm: 'sha1' | 'sha256'): string | undefined {
    const found = this.#find(path);
    if (found?.type === 'symlink') return hashInWords(found.linkName ?? '', algorithm);
    const content = this.read(path);
    return content === undefined ? undefined : hashInWords(content, algorithm);
  }

  read(path: string): Uint8Array | undefined {
    if (this.#find(path)?.type !== 'file') return undefined;
    const changed = this.#changes.get(path);
    return changed === undefined ? this.#files.get(path) : changed.content;
  }

  put(entry: ApkFile): void {
    this.#changes.set(entry.path, entry);
    this.#enter(entry.path);
  }

  remove(path: string): void {
    if (this.#find(path) === undefined) return;
    this.#changes.set(path, undefined);
    this.#leave(path);
  }

  removeFolder(path: string): void {
    if (this.#find(path)?.type === 'directory' && (this.#children.get(path)?.size ?? 0) === 0) this.remove(path);
  }

  async run({ name }: { readonly name: string }): Promise<void> {
    throw patchError('PATCH_SCRIPTS_NEEDED', `${name} would have to run`, { hint: 'Rebuild the image.' });
  }

  /** What changed, as a layer has it; the folders that lead there are not among it. */
  items(): readonly LayerItem[] {
    const items: LayerItem[] = [];
    for (const [path, change] of this.#changes) {
      if (change !== undefined) items.push(itemOf(change));
      else if (this.#tree.has(path) && !this.#isHidden(path)) items.push(whiteout(path));
    }
    return items;
  }

  /** Does a folder above it go, or make room for something else, anyway? */
  #isHidden(path: string): boolean {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const above = path.slice(0, at);
      if (this.#changes.has(above) && this.#changes.get(above)?.type !== 'directory') return true;
    }
    return false;
  }

  #find(path: string): (RootEntry & { readonly linkName?: string | undefined }) | undefined {
    if (this.#changes.has(path)) return this.#changes.get(path);
    const found = this.#tree.get(path);
    // Names of one inode are all files here.
    return found?.target?.entry ?? found?.entry;
  }

  #enter(path: string): void {
    const [folder, name] = split(path);
    const known = this.#children.get(folder);
    if (known === undefined) this.#children.set(folder, new Set([name]));
    else known.add(name);
  }

  #leave(path: string): void {
    const [folder, name] = split(path);
    this.#children.get(folder)?.delete(name);
  }
}

const split = (path: string): readonly [string, string] => {
  const at = path.lastIndexOf('/');
  return at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)];
};

function itemOf(entry: ApkFile): LayerItem {
  const { content, user: _user, group: _group, ...header } = entry;
  return entry.type === 'file' ? { header, content } : { header };
}

const whiteout = (path: string): LayerItem => ({
  header: { path: whiteoutOf(path), type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 },
  content: new Uint8Array(),
});
