import { isHeraklitError } from '../../base/index.ts';
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
import { layerItems, pathOf } from './layer-items.ts';
import { mentionedFolders } from './mentions.ts';
import { withoutPatchLayer } from './original.ts';
import type { KnownPatch, PatchInputs, PatchMemory } from './patch-memory.ts';
import { openPatchRoot, type PatchRoot } from './patch-root.ts';
import { forgetPackages, type PackageSource, type PreparedPackage, preparePackages } from './prepare-packages.ts';
import { runDpkg } from './run-dpkg.ts';
import { isSystemPath } from './system-layers.ts';

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
  readonly root?: Promise<PatchRoot> | undefined;
  /** Of the new layer; default: zstd for OCI images, gzip for Docker's. */
  readonly compression?: 'gzip' | 'zstd';
}

export interface PatchTools extends PackageSource {
  readonly store: BlobStore;
  readonly layers: LayerFactsReader;
  /** Folder in which the sandbox finds a mount point. */
  readonly scratch: string;
  /** What earlier patches made; without it everything runs again. */
  readonly memory?: PatchMemory;
  /** Of the image's dpkg, all packages together. */
  readonly limits?: Partial<RunLimits>;
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
  const mediaType = patchLayerType(image, request.compression);
  const inputs = { indexes, upgrades: request.upgrades, mediaType };
  const make = () => makeLayer(request, image, tree, inputs, tools);
  const memory = canRunDpkg(tree) ? tools.memory : undefined;
  const { layer, epoch, reused } =
    memory === undefined ? { ...(await make()), reused: false } : await memory.recall(inputs, tools.store, make);
  const changes = packageChanges(request.installed, request.upgrades);
  const patched = assemblePatched(image, source, layer, changes, request.advisories, epoch);
  const shared = reused ? patched.manifest.layers : image.manifest.layers;
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
      bytesBuilt: reused ? 0 : layer.descriptor.size,
      bytesShared: shared.reduce((total, { size }) => total + size, 0),
      layersBuilt: reused ? 0 : 1,
      layersShared: shared.length,
      milliseconds: performance.now() - started,
    },
  };
}

/** True where the image has the means to patch itself; else files are replaced and nothing is unpacked. */
export const canRunDpkg = (tree: FlatTree): boolean => tree.has(DPKG) && tree.has(STATUS);

async function makeLayer(
  request: PatchRequest,
  image: ResolvedImage,
  tree: FlatTree,
  inputs: PatchInputs,
  tools: PatchTools,
): Promise<KnownPatch> {
  const packages = await preparePackages(request.upgrades, tools);
  const epoch = Math.max(0, ...packages.map((pkg) => pkg.newest));
  const plan = { tree, packages, epoch, inputs };
  return { layer: await (canRunDpkg(tree) ? withDpkg(request, plan, tools) : withoutDpkg(image, plan, tools)), epoch };
}

interface Plan {
  readonly tree: FlatTree;
  readonly packages: readonly PreparedPackage[];
  readonly epoch: number;
  readonly inputs: PatchInputs;
}

async function withDpkg(request: PatchRequest, plan: Plan, tools: PatchTools): Promise<StoredLayer> {
  const { tree, epoch, inputs } = plan;
  tools.progress.update('patch', 0, 0, 'unpacking the image into memory');
  const own = request.root === undefined ? openPatchRoot(request.image, inputs.indexes, tools) : undefined;
  const root = await (own ?? (request.root as Promise<PatchRoot>));
  try {
    const { changes, listedRoot } = await runDpkg({
      ...tools,
      packages: plan.packages,
      installed: request.installed,
      sandbox: root.sandbox,
      root: root.name,
    });
    tools.progress.update('patch', 0, 0, 'writing the layer');
    const items = layerItems(changes, tree, root.path);
    const layer = await storeLayer(items, inputs.mediaType, tools.store, epoch);
    const isShared = !listedRoot && changes.every((change) => isSystemPath(pathOf(change)));
    const mentioned = isShared ? mentionedFolders(tree, root.path, changes) : undefined;
    if (mentioned !== undefined) await tools.memory?.keep(inputs, { layer, epoch }, mentioned);
    return layer;
  } catch (error) {
    if (isHeraklitError(error, 'PATCH_FAILED')) await forgetPackages(plan.packages);
    throw error;
  } finally {
    if (own !== undefined) await root.close();
  }
}

async function withoutDpkg(image: ResolvedImage, plan: Plan, tools: PatchTools): Promise<StoredLayer> {
  const { tree, packages, epoch, inputs } = plan;
  const status = packageDatabase(await readFacts(image, tools.layers), image.digest);
  return storeLayer(await filesOnly({ image, tree, status, packages, epoch }), inputs.mediaType, tools.store, epoch);
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
  upgrades: readonly RepositoryPackage[],
): readonly PackageChange[] {
  return upgrades.map((pkg) => ({
    package: pkg.name,
    architecture: pkg.architecture,
    from: installed.find((old) => old.name === pkg.name && old.architecture === pkg.architecture)?.version,
    to: pkg.version,
  }));
}
