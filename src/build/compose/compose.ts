import { type InstalledPackage, readStatus } from '../../distro/index.ts';
import { type Digest, MediaType, serialize } from '../../oci/index.ts';
import type { BuildStatistics, PackageChange } from '../types.ts';
import { distributionFor } from './base-distribution.ts';
import { type BaseFile, readBaseFiles } from './base-image.ts';
import { STATUS_PATH } from './database.ts';
import { composeError } from './errors.ts';
import type { StoredLayer } from './group-layer.ts';
import { imageConfig, imageManifest } from './image-config.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import { packageLayers } from './package-layers.ts';
import { fits, resolve } from './resolve.ts';
import { topLayers } from './top-layer.ts';
import type { ComposedImage, ComposeRequest } from './types.ts';
import { ACCOUNT_PATHS } from './users.ts';

const DATABASE = /^var\/lib\/dpkg\/(?:triggers\/[^/]+|diversions|statoverride)$/;
/** Debian's architecture → Node's. */
const NODE_ARCHITECTURE: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64', i386: 'ia32' };

/**
 * Makes an image from a recipe: resolve → lock → one layer per package group → maintainer scripts → one top layer.
 * The same recipe, lock and base give the same digest on any machine, on any day.
 *
 * @throws SOLVE_*, COMPOSE_*, SANDBOX_*, DISTRO_PACKAGE_INVALID, and what `repositories` and `fetchPackage` throw
 */
export async function compose(request: ComposeRequest): Promise<ComposedImage> {
  const started = performance.now();
  const { recipe, base, store } = request;
  refuseForeignScripts(request);
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
  const { digest, size } = await store.put(serialize(manifest));
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

function refuseForeignScripts({ recipe, architecture }: ComposeRequest): void {
  if (recipe.scripts === 'none' || (recipe.packages ?? []).length === 0) return;
  if (NODE_ARCHITECTURE[architecture] === process.arch) return;
  throw composeError('COMPOSE_ARCHITECTURE', `maintainer scripts of ${architecture} cannot run on ${process.arch}`, {
    hint: 'Build on a machine of that architecture, or with `scripts: none`.',
  });
}

/** The package database and accounts of the base; nothing is read when the recipe only adds files. */
async function filesOfBase({ base, recipe }: ComposeRequest): Promise<ReadonlyMap<string, BaseFile>> {
  const needsDatabase = (recipe.packages ?? []).length > 0;
  const needsAccounts = (recipe.users ?? []).length > 0;
  if (base === undefined || !(needsDatabase || needsAccounts)) return new Map();
  const needed = [...(needsDatabase ? [STATUS_PATH] : []), ...(needsAccounts ? ACCOUNT_PATHS : [])];
  const files = await readBaseFiles(base.image, needed, (path) => needsDatabase && DATABASE.test(path));
  if (needsDatabase && !files.has(STATUS_PATH)) {
    throw composeError('COMPOSE_BASE_MISMATCH', `the base ${base.name} has no package database`, {
      hint: 'Packages can only be added to an image that dpkg knows; distroless bases take files only.',
    });
  }
  return files;
}

type Draft = Omit<Lock, 'epoch'>;

async function lockFor(request: ComposeRequest, baseFiles: ReadonlyMap<string, BaseFile>): Promise<Draft> {
  const { recipe, architecture, base, lock } = request;
  if (lock !== undefined && request.update !== true && fits(lock, recipe, architecture, base)) return lock;
  if (request.locked === true) {
    const why = lock === undefined ? 'there is no lock' : 'its lock was made for another recipe or base';
    throw composeError('COMPOSE_LOCK_STALE', `${recipe.name} must be built as locked, but ${why}`, {
      hint: 'Build once without --locked and keep the lock file it writes.',
    });
  }
  const status = baseFiles.get(STATUS_PATH)?.content;
  const installed: readonly InstalledPackage[] =
    status === undefined ? [] : readStatus(status, { what: `the base ${base?.name}` }).packages;
  const distribution = await distributionFor(request);
  const nothingToSolve = base !== undefined && (recipe.packages ?? []).length === 0;
  const repositories = nothingToSolve ? [] : await request.repositories(distribution);
  request.progress?.update('resolve', 0, 1, recipe.name);
  const resolved = nothingToSolve
    ? resolve({ ...recipe, packages: [] }, architecture, distribution, [], base, [])
    : resolve(recipe, architecture, distribution, repositories, base, installed);
  request.progress?.update('resolve', 1, 1, recipe.name);
  return resolved;
}

function createdAt({ base }: ComposeRequest): number {
  const created = Date.parse(base?.image.config.created ?? '');
  return Number.isFinite(created) ? Math.floor(created / 1000) : 0;
}

function changesBetween(before: Lock | undefined, after: Lock): readonly PackageChange[] {
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
