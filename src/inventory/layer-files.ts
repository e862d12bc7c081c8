import { type Digest, type FlatTree, flattenLayers, type LayerIndex } from '../oci/index.ts';
import { isNotableFile } from './notable-files.ts';

/** What one layer says about the files worth finding. Paths without leading `/`; '' is the root. */
export interface LayerFiles {
  readonly diffId: Digest;
  /** Files the layer has, with what is known of their content. */
  readonly present: readonly LayerFile[];
  /** Paths of lower layers that it hides, with all below them: whiteouts, and folders that a file took the place of. */
  readonly hidden: readonly string[];
  /** Folders whose content in lower layers it hides. */
  readonly opaque: readonly string[];
  /** Paths of files in other layers that are folders here. */
  readonly folders: readonly string[];
}

export interface LayerFile {
  readonly path: string;
  /** Hexadecimal; undefined where the layer was read without hashing its files. */
  readonly sha256: string | undefined;
  /** False where only another layer of the stack makes the path worth finding. */
  readonly notable: boolean;
}

/**
 * The files of a stack that a fleet is asked for, layer by layer: enough to tell which of them any stack of such
 * layers shows. A path that is notable in one layer is kept in all of the stack, whatever it is there.
 * @param indexes bottom first
 */
export function layerFiles(indexes: readonly LayerIndex[]): readonly LayerFiles[] {
  const own = indexes.map((index) => flattenLayers([{ ...index, whiteouts: [], opaques: [] }]));
  const notable = new Set<string>();
  for (const tree of own) for (const [path, { entry }] of tree) if (isNotableFile(entry)) notable.add(path);
  const folders = new Set([...notable].flatMap(ancestorsOf));
  return indexes.map((index, at) => ({
    diffId: index.diffId,
    present: presentFiles(own[at] as FlatTree, notable),
    hidden: hiddenPaths(index, notable, folders),
    opaque: index.opaques.filter((folder) => folder === '' || folders.has(folder)),
    folders: [...foldersOf(index)].filter((folder) => notable.has(folder)),
  }));
}

/** @param own what the layer has in the end, should its archive say several things of one path */
function presentFiles(own: FlatTree, notable: ReadonlySet<string>): readonly LayerFile[] {
  return [...own].flatMap(([path, { entry }]) =>
    entry.type === 'directory' || !notable.has(path)
      ? []
      : [{ path, sha256: entry.sha256, notable: isNotableFile(entry) }],
  );
}

/** Whiteouts of what nobody asks for would hide nothing that is told, and are left out. */
function hiddenPaths(index: LayerIndex, notable: ReadonlySet<string>, folders: ReadonlySet<string>): readonly string[] {
  const hidden = new Set(index.whiteouts.filter((path) => notable.has(path) || folders.has(path)));
  // A file in the place of a folder: all that lay in it is gone.
  for (const { path, type } of index.entries) if (type !== 'directory' && folders.has(path)) hidden.add(path);
  return [...hidden].sort();
}

/** Every folder of a layer, those that no entry spells out included. */
function foldersOf({ entries }: LayerIndex): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const { path, type } of entries) {
    if (type === 'directory') folders.add(path);
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    // A layer has many files in few folders.
    if (folder !== '' && !folders.has(folder)) for (const one of [folder, ...ancestorsOf(folder)]) folders.add(one);
  }
  return folders;
}

/** Folders above a path, the root left out. */
export function ancestorsOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    folders.push(path.slice(0, slash));
  }
  return folders;
}
