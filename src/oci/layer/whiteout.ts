import { ociError } from '../errors.ts';

const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Bookkeeping of AUFS (`.wh..wh.plnk`, …), which old Docker versions left in layers; engines ignore it. */
const AUFS = '.wh..wh.';

export type Whiteout =
  | { readonly kind: 'hides'; readonly path: string }
  | { readonly kind: 'opaque'; readonly path: string }
  | { readonly kind: 'ignored' };

/** What a path means when its name marks a whiteout; undefined for an ordinary path. @throws OCI_LAYER_INVALID */
export function parseWhiteout(path: string): Whiteout | undefined {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  const folder = slash < 0 ? '' : path.slice(0, slash);
  if (!name.startsWith(PREFIX)) {
    return path.includes(`/${AUFS}`) || path.startsWith(AUFS) ? { kind: 'ignored' } : undefined;
  }
  if (name === OPAQUE) return { kind: 'opaque', path: folder };
  if (name.startsWith(AUFS)) return { kind: 'ignored' };
  const hidden = name.slice(PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..') {
    throw ociError('OCI_LAYER_INVALID', `layer: the whiteout ${JSON.stringify(path)} names nothing that can be hidden`);
  }
  return { kind: 'hides', path: folder === '' ? hidden : `${folder}/${hidden}` };
}

/** The path of the marker that hides `path` in lower layers. */
export function whiteoutOf(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${PREFIX}${path.slice(slash)}`;
}

/** The path of the marker that hides the content a folder has in lower layers. */
export function opaqueOf(folder: string): string {
  return folder === '' ? OPAQUE : `${folder}/${OPAQUE}`;
}
