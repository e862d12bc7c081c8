import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log, Progress } from '../../base/index.ts';
import { type RepositoryPackage, readStatus, type StatusDatabase } from '../../distro/index.ts';
import { type Digest, flattenLayers, type ResolvedImage } from '../../oci/index.ts';
import { createSandbox } from '../../runtime/sandbox/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { LayerFacts, LayerFactsReader } from '../layers/layer-facts.ts';
import { readFacts } from '../layers/read-facts.ts';
import { type StoredLayer, storeLayer } from '../layers/store-layer.ts';
import type { BuiltImage, PackageChange } from '../types.ts';
import { assemblePatched, patchLayerType } from './assemble.ts';
import { dpkgOrder } from './dpkg-order.ts';
import { patchError } from './errors.ts';
import { filesOnly } from './files-only.ts';
import { layerItems } from './layer-items.ts';
import { withoutPatchLayer } from './original.ts';
import { type PackageSource, type PreparedPackage, preparePackages } from './prepare-packages.ts';
import { runDpkg } from './run-dpkg.ts';
import { unpackRoot } from './unpack-root.ts';

const STATUS = 'var/lib/dpkg/status';
const DPKG = 'usr/bin/dpkg';

export interface PatchRequest {
  readonly image: ResolvedImage;
  /** What to bring in: the candidates, and what they newly depend on. */
  readonly upgrades: readonly RepositoryPackage[];
  /** Advisories these versions fix; they go into the manifest's annotations. */
  readonly advisories: readonly string[];
}

export interface PatchTools extends PackageSource {
  readonly store: BlobStore;
  readonly layers: LayerFactsReader;
  /** Folder in which the sandbox finds a mount point. */
  readonly scratch: string;
  readonly log: Log;
  readonly progress: Progress;
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
  const [facts, packages] = await Promise.all([
    readFacts(image, tools.layers),
    preparePackages(dpkgOrder(request.upgrades), tools),
  ]);
  const tree = flattenLayers(facts.map((fact) => fact.index));
  const status = packageDatabase(facts, request.image.digest);
  const epoch = Math.max(0, ...packages.map((pkg) => pkg.newest));
  const layer =
    tree.has(DPKG) && tree.has(STATUS)
      ? await withDpkg(image, packages, epoch, tools)
      : await storeLayer(await filesOnly({ image, tree, status, packages }), patchLayerType(image), tools.store, epoch);
  const changes = packageChanges(status, packages);
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

async function withDpkg(
  image: ResolvedImage,
  packages: readonly PreparedPackage[],
  epoch: number,
  tools: PatchTools,
): Promise<StoredLayer> {
  await mkdir(tools.scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(tools.scratch, 'patch-'));
  const sandbox = await createSandbox({ mountPoint, log: tools.log });
  try {
    const root = await sandbox.directory('root');
    tools.progress.update('patch', 0, 0, 'unpacking the image into memory');
    await unpackRoot(image, root, tools.layers);
    const changes = await runDpkg({
      sandbox,
      root: 'root',
      packages,
      epoch,
      log: tools.log,
      progress: tools.progress,
      ...(tools.signal === undefined ? {} : { signal: tools.signal }),
    });
    return await storeLayer(await layerItems(changes, root), patchLayerType(image), tools.store, epoch);
  } finally {
    await sandbox.close();
    await rm(mountPoint, { recursive: true, force: true });
  }
}

function packageChanges(status: StatusDatabase, packages: readonly PreparedPackage[]): readonly PackageChange[] {
  return packages.map(({ pkg }) => ({
    package: pkg.name,
    architecture: pkg.architecture,
    from: status.packages.find((old) => old.name === pkg.name && old.architecture === pkg.architecture)?.version,
    to: pkg.version,
  }));
}
