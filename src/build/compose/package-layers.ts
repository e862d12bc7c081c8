import type { TarHeader } from '../../archive/index.ts';
import type { LayerCompression } from '../../oci/index.ts';
import {
  type GroupResult,
  groupLayer,
  layerByContent,
  openPackage,
  ROOT_COMMENT,
  type StoredLayer,
} from './group-layer.ts';
import { groupPackages } from './groups.ts';
import type { LockedPackage } from './lock-form.ts';
import { aliasLinks } from './merged-usr.ts';
import { dependencyOrder } from './package-order.ts';
import type { PackageRecord } from './package-record.ts';
import type { ComposeRequest } from './types.ts';

/** Layers of an image at most, those of its base included: containers stop at 127, and some older engines earlier. */
const MAX_LAYERS = 64;
/** The root's links, the package database, the recipe's own files. */
const OWN_LAYERS = 3;
/** Groups built at a time: decompression and compression run on the thread pool. */
const PARALLEL = 3;

export interface PackageLayers {
  readonly layers: readonly StoredLayer[];
  /** In dependency order. */
  readonly records: readonly PackageRecord[];
}

/** The layers below the top one: links of a merged /usr (without a base), then one layer per group. */
export async function packageLayers(
  request: ComposeRequest,
  packages: readonly LockedPackage[],
  compression: LayerCompression,
): Promise<PackageLayers> {
  const budget = MAX_LAYERS - OWN_LAYERS - (request.base?.image.manifest.layers.length ?? 0);
  const groups = groupPackages(packages, budget);
  const results: GroupResult[] = new Array(groups.length);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < groups.length; index = next++) {
      request.signal?.throwIfAborted();
      const group = groups[index];
      if (group === undefined) return;
      results[index] = await groupLayer(request, group, compression);
      done += 1;
      request.progress?.update('package layers', done, groups.length, group.name);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  const root = request.base === undefined ? [await rootLayer(request, compression)] : [];
  return {
    layers: [...root, ...results.map(({ layer }) => layer)],
    records: dependencyOrder(results.flatMap(({ records }) => records)),
  };
}

function rootLayer(request: ComposeRequest, compression: LayerCompression): Promise<StoredLayer> {
  const inputs = { architecture: request.architecture };
  return layerByContent(request, { kind: 'root', inputs, compression, comment: ROOT_COMMENT }, async () =>
    aliasLinks(request.architecture).map((header) => ({ header })),
  );
}

export interface PackageFile {
  readonly header: TarHeader;
  readonly content: Buffer;
}

/** Files of packages, by path, with mode and owner; opens only the packages that have one of them. */
export async function packageFiles(
  request: ComposeRequest,
  packages: readonly LockedPackage[],
  records: readonly PackageRecord[],
  wanted: (path: string, record: PackageRecord) => boolean,
): Promise<ReadonlyMap<string, PackageFile>> {
  const found = new Map<string, PackageFile>();
  for (const record of records) {
    if (!record.paths.some((line) => line.startsWith('f ') && wanted(line.slice(2), record))) continue;
    const item = packages.find(({ sha256 }) => sha256 === record.sha256);
    if (item === undefined) continue;
    const { items } = await openPackage(request, item);
    for (const { header, content } of items) {
      if (header.type === 'file' && wanted(header.path, record))
        found.set(header.path, { header, content: content as Buffer });
    }
  }
  return found;
}
