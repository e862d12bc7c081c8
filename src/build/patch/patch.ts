import type { Log, Progress } from '../../base/index.ts';
import { type InstalledPackage, type RepositoryPackage, readStatus, type StatusDatabase } from '../../distro/index.ts';
import { type Digest, type FlatTree, flattenLayers, type LayerIndex, type ResolvedImage } from '../../oci/index.ts';
import type { RunLimits } from '../../runtime/sandbox/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import { readFacts } from '../layers/read-facts.ts';
import { type StoredLayer, storeLayer } from '../layers/store-layer.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { BuiltImage, PackageChange } from '../types.ts';
import { assemblePatched, patchLayerType } from './assemble.ts';
import { patchError } from './errors.ts';
import { filesOnly } from './files-only.ts';
import { layerItems } from './layer-items.ts';
import { withoutPatchLayer } from './original.ts';
import { openPatchRoot, type PatchRoot } from './patch-root.ts';
import { type PackageSource, type PreparedPackage, preparePackages } from './prepare-packages.ts';
import { runDpkg } from './run-dpkg.ts';

const STATUS = 'var/lib/dpkg/status';
const DPKG = 'usr/bin/dpkg';

export interface PatchRequest {
  readonly image: ResolvedImage;
  /** What its layers hold, bottom first; of an image that was patched before, its original's at least. */
  readonly indexes: readonly LayerIndex[];
  /** What is installed in the original. */
  readonly installed: readonly InstalledPackage[];
  /** What to bring in: the candidates, and what they newly depend on. */
  readonly upgrades: readonly RepositoryPackage[];
  /** Advisories these versions fix; they go into the manifest's annotations. */
  readonly advisories: readonly string[];
  /** The image's root where unpacking it was begun before; it stays the caller's to close. */
  readonly root?: Promise<PatchRoot>;
  /** Of the new layer; default: zstd for OCI images, gzip for Docker's. */
  readonly compression?: 'gzip' | 'zstd';
}

export interface PatchTools extends PackageSource {
  readonly store: BlobStore;
  readonly layers: LayerFactsReader;
  /** Folder in which the sandbox finds a mount point. */
  readonly scratch: string;
  readonly log: Log;
  readonly progress: Progress;
  /** Of the image's dpkg, all packages together. */
  readonly limits?: Partial<RunLimits>;
  readonly signal?: AbortSignal;
}

/**
 * One layer over the original image that brings packages to their candidates. Where the image has dpkg, that dpkg does
 * it, in a sandbox without network; where it has none (distroless style), files are replaced and nothing runs.
 *
 * @throws PATCH_NO_DATABASE, PATCH_SCRIPTS_NEEDED, PATCH_FAILED, SANDBOX_UNAVAILABLE
 */
export async function patch(request: PatchRequest, tools: PatchTools): Promise<BuiltImage> {
  const started = performance.now();
  const { image, source } = withoutPatchLayer(request.image);
  const indexes = request.indexes.slice(0, image.manifest.layers.length);
  const tree = flattenLayers(indexes);
  const packages = await preparePackages(request.upgrades, tools);
  const epoch = Math.max(0, ...packages.map((pkg) => pkg.newest));
  const mediaType = patchLayerType(image, request.compression);
  const layer = canRunDpkg(tree)
    ? await withDpkg(request, { indexes, tree, packages, epoch, mediaType }, tools)
    : await withoutDpkg(image, packages, { tree, epoch, mediaType }, tools);
  const changes = packageChanges(request.installed, packages);
  const patched = assemblePatched(image, source, layer, changes, request.advisories, epoch);
  await tools.store.putMany([patched.configBytes, patched.manifestBytes]);
  return {
    strategy: 'patch',
    reason: `${changes.length} packages brought to their candidates in one layer over ${source}`,
    descriptor: patched.descriptor,
    manifest: patched.manifest,
    config: patched.config,
    baseDigest: source as Digest,
    changes,
    advisoriesFixed: request.advisories,
    statistics: {
      bytesBuilt: layer.descriptor.size,
      bytesShared: image.manifest.layers.reduce((total, { size }) => total + size, 0),
      layersBuilt: 1,
      layersShared: image.manifest.layers.length,
      milliseconds: performance.now() - started,
    },
  };
}

/** True where the image has the means to patch itself; else files are replaced and nothing is unpacked. */
export const canRunDpkg = (tree: FlatTree): boolean => tree.has(DPKG) && tree.has(STATUS);

interface Plan {
  readonly tree: FlatTree;
  readonly epoch: number;
  readonly mediaType: string;
}

async function withDpkg(
  request: PatchRequest,
  plan: Plan & { readonly indexes: readonly LayerIndex[]; readonly packages: readonly PreparedPackage[] },
  tools: PatchTools,
): Promise<StoredLayer> {
  tools.progress.update('patch', 0, 0, 'unpacking the image into memory');
  const own = request.root === undefined ? openPatchRoot(request.image, plan.indexes, tools) : undefined;
  const root = await (own ?? (request.root as Promise<PatchRoot>));
  try {
    const changes = await runDpkg({
      ...tools,
      ...plan,
      installed: request.installed,
      sandbox: root.sandbox,
      root: root.name,
    });
    tools.progress.update('patch', 0, 0, 'writing the layer');
    return await storeLayer(layerItems(changes, plan.tree, root.path), plan.mediaType, tools.store, plan.epoch);
  } finally {
    if (own !== undefined) await root.close();
  }
}

async function withoutDpkg(
  image: ResolvedImage,
  packages: readonly PreparedPackage[],
  { tree, epoch, mediaType }: Plan,
  tools: PatchTools,
): Promise<StoredLayer> {
  const status = packageDatabase(await readFacts(image, tools.layers), image.digest);
  return storeLayer(await filesOnly({ image, tree, status, packages }), mediaType, tools.store, epoch);
}

/** dpkg's status file, or the files of status.d; of each path the topmost. */
function packageDatabase(facts: readonly LayerFacts[], image: Digest): StatusDatabase {
  const files = new Map(facts.flatMap((fact) => [...fact.files]));
  const whole = files.get(STATUS);
  const parts = [...files].filter(([path]) => path.startsWith(`${STATUS}.d/`) && !path.endsWith('.md5sums'));
  if (whole === undefined && parts.length === 0) {
    throw patchError('PATCH_NO_DATABASE', `${image} has no dpkg database`, {
      hint: 'Images of other package formats, and images without one, are rebuilt instead.',
    });
  }
  return readStatus(whole ?? parts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, bytes]) => bytes));
}

function packageChanges(
  installed: readonly InstalledPackage[],
  packages: readonly PreparedPackage[],
): readonly PackageChange[] {
  return packages.map(({ pkg }) => ({
    package: pkg.name,
    architecture: pkg.architecture,
    from: installed.find((old) => old.name === pkg.name && old.architecture === pkg.architecture)?.version,
    to: pkg.version,
  }));
}
