import { type Digest, MediaType, serialize } from '../../oci/index.ts';
import type { BuildStatistics, PackageChange } from '../types.ts';
import { runChecks } from './checks.ts';
import type { StoredLayer } from './group-layer.ts';
import { imageConfig, imageManifest } from './image-config.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import type { ComposedImage, ComposeRequest } from './types.ts';

export interface FinishInput {
  readonly lock: Lock;
  /** Lowest first, those of the base aside. */
  readonly layers: readonly StoredLayer[];
  /** Why maintainer scripts ran, or need not run again. */
  readonly scripts: string | undefined;
  /** `performance.now()` when the build began. */
  readonly started: number;
}

/** Config and manifest over the layers, into the store; then the recipe's checks. @throws COMPOSE_CHECK_FAILED */
export async function finishImage(request: ComposeRequest, input: FinishInput): Promise<ComposedImage> {
  const { recipe, base, store } = request;
  const { lock, layers, scripts, started } = input;
  request.signal?.throwIfAborted();
  const config = imageConfig(recipe, lock, base, layers);
  const configBlob = await store.put(serialize(config));
  const manifest = imageManifest(recipe, lock, base, layers, { mediaType: MediaType.config, ...configBlob });
  const manifestBytes = serialize(manifest);
  const { digest, size } = await store.put(manifestBytes);
  await runChecks(request, {
    ...{ digest, mediaType: MediaType.manifest, manifestBytes, manifest, config },
    blobs: { open: async (blob) => ((await store.has(blob)) ? store : (base?.image.blobs ?? store)).open(blob) },
  });
  return {
    strategy: 'compose',
    reason: `composed from ${lock.packages.length} packages${base === undefined ? '' : ` on ${base.name}`}`,
    descriptor: { mediaType: MediaType.manifest, digest, size },
    manifest,
    config,
    baseDigest: base?.image.digest as Digest | undefined,
    changes: changesBetween(request.lock, lock),
    advisoriesFixed: [],
    statistics: statistics(request, layers, performance.now() - started),
    lock,
    scripts,
  };
}

export function changesBetween(before: Lock | undefined, after: Lock): readonly PackageChange[] {
  const key = (item: LockedPackage): string => `${item.name}:${item.architecture}`;
  const old = new Map((before?.packages ?? []).map((item) => [key(item), item]));
  const now = new Map(after.packages.map((item) => [key(item), item]));
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name) => {
    const [from, to] = [old.get(name), now.get(name)];
    if (from?.version === to?.version) return [];
    const { name: packageName, architecture } = (to ?? from) as LockedPackage;
    return [{ package: packageName, architecture, from: from?.version, to: to?.version }];
  });
}

function statistics(request: ComposeRequest, layers: readonly StoredLayer[], milliseconds: number): BuildStatistics {
  const built = layers.filter((layer) => layer.built);
  const shared = [
    ...(request.base?.image.manifest.layers ?? []),
    ...layers.filter((layer) => !layer.built).map(({ descriptor }) => descriptor),
  ];
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  return {
    bytesBuilt: sum(built.map(({ descriptor }) => descriptor.size)),
    bytesShared: sum(shared.map(({ size }) => size)),
    layersBuilt: built.length,
    layersShared: shared.length,
    milliseconds,
  };
}
