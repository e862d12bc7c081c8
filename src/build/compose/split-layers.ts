import { createHash } from 'node:crypto';
import type { LayerItem } from '../../oci/index.ts';
import { layerByContent, type StoredLayer } from './group-layer.ts';
import { groupPackages } from './groups.ts';
import { atEpoch } from './normalize.ts';
import { type PlacedPackage, splitRoot, withParentsOf } from './root-split.ts';
import { tarOf } from './tar-items.ts';
import type { ComposeRequest } from './types.ts';

/** Layers of an image at most, as for Debian. */
const MAX_LAYERS = 64;
/** The package database and what scripts made, and the recipe's own files. */
const OWN_LAYERS = 2;

/** What decides an entry besides the package that it is from. */
function headersDigest(items: readonly LayerItem[]): string {
  const hash = createHash('sha256');
  for (const { header } of items) {
    const { path, type, mode, uid, gid, mtime, linkName, xattrs } = header;
    const attributes = [...(xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('hex')]);
    hash.update(JSON.stringify([path, type, mode, uid, gid, mtime, linkName ?? '', attributes]));
  }
  return hash.digest('hex');
}

/**
 * The layers of a root: one for each group of packages, and above them one with what no package brought as it is.
 * @param root all of it, or what is new over the base, times already those of the image
 */
export async function splitLayers(
  request: ComposeRequest,
  root: readonly LayerItem[],
  packages: readonly PlacedPackage[],
  { epoch, entry }: { readonly epoch: number; readonly entry: (path: string) => LayerItem | undefined },
): Promise<readonly StoredLayer[]> {
  const compression = request.recipe.compression ?? 'zstd';
  const budget = MAX_LAYERS - OWN_LAYERS - (request.base?.image.manifest.layers.length ?? 0);
  const groups = groupPackages(
    packages.map(({ item }) => item),
    budget,
  );
  const split = splitRoot(root, packages, groups);
  const layers: StoredLayer[] = [];
  for (const { group, packages: members, items } of split.groups) {
    request.signal?.throwIfAborted();
    const whole = withParentsOf(items, entry, undefined);
    if (whole.length === 0) continue;
    const sums = members.map(({ item }) => item.sha256);
    const inputs = [sums, headersDigest(whole)];
    const comment = members.map(({ item }) => `${item.name} ${item.version}`).join(', ');
    layers.push(await layerByContent(request, { kind: 'placed', inputs, compression, comment }, async () => whole));
    request.progress?.update('package layers', layers.length, split.groups.length, group.name);
  }
  if (split.rest.length > 0) {
    const whole = withParentsOf(atEpoch(split.rest, epoch), entry, epoch);
    const inputs = createHash('sha256').update(tarOf(whole)).digest('hex');
    const comment = `package database and what ${request.recipe.scripts === 'none' ? 'stands in for scripts' : 'scripts'} made`;
    layers.push(await layerByContent(request, { kind: 'rest', inputs, compression, comment }, async () => whole));
  }
  return layers;
}
