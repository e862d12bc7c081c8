import { type Digest, MediaType, serialize } from '../../oci/index.ts';
import type { BuildStatistics, PackageChange } from '../types.ts';
import { runChecks } from './checks.ts';
import { refuseForeignScripts } from './foreign.ts';
import type { StoredLayer } from './group-layer.ts';
import { imageConfig, imageManifest } from './image-config.ts';
import { filesOfBase, lockFor } from './lock-for.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import { createdAt } from './lock-recipe.ts';
import { packageLayers } from './package-layers.ts';
import { topLayers } from './top-layer.ts';
import type { ComposedImage, ComposeRequest } from './types.ts';

/**
 * Makes an image from a recipe: resolve → lock → one layer per package group → maintainer scripts → one top layer.
 * The same recipe, lock and base give the same digest on any machine, on any day.
 *
 * @throws SOLVE_*, COMPOSE_*, SANDBOX_*, DISTRO_PACKAGE_INVALID, and what `repositories` and `fetchPackage` throw
 */
export async function compose(request: ComposeRequest): Promise<ComposedImage> {
  const started = performance.now();
  const { recipe, base, store } = request;
  await refuseForeignScripts(request);
  const baseFiles = await filesOfBase(request);
  const draft = await lockFor(request, baseFiles);
  const compression = recipe.compression ?? 'zstd';
  const { layers, records } = await packageLayers(request, draft.packages, compression);
  const epoch = Math.max(0, createdAt(request), ...records.map(({ mtime }) => mtime));
  const lock: Lock = { ...draft, epoch };
  let scripts: string | undefined;
  const explain = (text: string): void => {
    scripts = text;
  };
  const top = await topLayers(request, { lock, layers, records, baseFiles, explain });
  request.signal?.throwIfAborted();
  const all = [...layers, ...top];
  const config = imageConfig(recipe, lock, base, all);
  const configBlob = await store.put(serialize(config));
  const manifest = imageManifest(recipe, lock, base, all, { mediaType: MediaType.config, ...configBlob });
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
    statistics: statistics(request, all, performance.now() - started),
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
