import type { EcosystemId } from '../../distro/index.ts';
import { type Digest, flattenLayers } from '../../oci/index.ts';
import type { BuiltImage, PackageChange } from '../types.ts';
import { apkFamily } from './apk/apk-family.ts';
import { assemblePatched, patchLayerType } from './assemble.ts';
import { debFamily } from './deb-family.ts';
import { patchError } from './errors.ts';
import { withoutPatchLayer } from './original.ts';
import { rpmFamily } from './rpm/rpm-family.ts';
import type { PatchFamily, PatchRequest, PatchTools } from './types.ts';

const FAMILIES: Partial<Readonly<Record<EcosystemId, PatchFamily>>> = {
  deb: debFamily,
  apk: apkFamily,
  rpm: rpmFamily,
};

/**
 * One layer over the original image that brings packages to their candidates, made in its family's way without network.
 *
 * @throws PATCH_NO_DATABASE, PATCH_SCRIPTS_NEEDED, PATCH_FAILED, SANDBOX_UNAVAILABLE
 */
export async function patch(request: PatchRequest, tools: PatchTools): Promise<BuiltImage> {
  const started = performance.now();
  const { image, source } = withoutPatchLayer(request.image);
  const indexes = request.indexes.slice(0, image.manifest.layers.length);
  const tree = flattenLayers(indexes);
  const inputs = { indexes, upgrades: request.upgrades, mediaType: patchLayerType(image, request.compression) };
  const family = FAMILIES[request.family ?? 'deb'];
  if (family === undefined) throw unsupported(request);
  const make = () => family.makeLayer(request, { image, source, tree, inputs }, tools);
  const memory = family.isShareable(tree) ? tools.memory : undefined;
  const { layer, epoch, reused } =
    memory === undefined ? { ...(await make()), reused: false } : await memory.recall(inputs, tools.store, make);
  const changes = packageChanges(request);
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

const unsupported = ({ image, family }: PatchRequest): Error =>
  patchError('PATCH_NO_DATABASE', `${image.digest} has packages of the ${family} family, which cannot be patched`, {
    hint: 'Images of dpkg, apk and rpm are; rebuild this one.',
  });

/** The version that a package replaces: of several that are there at once (rpm's kernels), the newest is told. */
function packageChanges({ installed, upgrades, removed = [] }: PatchRequest): readonly PackageChange[] {
  const changed = upgrades.map((pkg) => ({
    package: pkg.name,
    architecture: pkg.architecture,
    from: (
      installed.find((old) => old.name === pkg.name && old.architecture === pkg.architecture) ??
      installed.find(
        (old) =>
          old.name === pkg.name &&
          !upgrades.some((one) => one.architecture === old.architecture && one.name === old.name),
      )
    )?.version,
    to: pkg.version,
  }));
  const gone = installed
    .filter(({ name }) => removed.includes(name))
    .map(({ name, architecture, version }) => ({ package: name, architecture, from: version, to: undefined }));
  return [...changed, ...gone];
}
