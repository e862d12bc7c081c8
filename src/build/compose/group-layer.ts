import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from '../../base/index.ts';
import { openDeb } from '../../distro/index.ts';
import { type Descriptor, type Digest, type LayerCompression, type LayerItem, writeLayer } from '../../oci/index.ts';
import { relyOn } from '../../storage/index.ts';
import { composeError } from './errors.ts';
import { keepFolders } from './folders.ts';
import type { LayerGroup } from './groups.ts';
import { layerTypeOf } from './layer-type.ts';
import type { LockedPackage } from './lock-form.ts';
import { fetchLocked } from './open-locked.ts';
import { packageContent } from './package-content.ts';
import { keepRecord, PACKAGE_FORMAT, type PackageRecord, readRecord } from './package-record.ts';
import type { ComposeRequest } from './types.ts';

/** Comment of the layer that every image without a base begins with. */
export const ROOT_COMMENT = 'root with merged /usr';

/** A layer that lies in the store. */
export interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  /** What the history entry says. */
  readonly comment: string;
  /** True when this build made it. */
  readonly built: boolean;
  /** Bytes of the uncompressed archive. */
  readonly uncompressed: number;
}

interface KnownLayer {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly size: number;
  readonly uncompressed: number;
}

/** Names a layer by what goes into it, so that every image with the same packages finds the same blob. */
export async function layerByContent(
  request: Pick<ComposeRequest, 'store' | 'cache' | 'layers'>,
  content: {
    readonly kind: string;
    readonly inputs: unknown;
    readonly compression: LayerCompression;
    readonly comment: string;
  },
  items: () => Promise<readonly LayerItem[]>,
): Promise<StoredLayer> {
  const { kind, inputs, compression, comment } = content;
  const key = createHash('sha256')
    .update(JSON.stringify([kind, PACKAGE_FORMAT, compression, inputs]))
    .digest('hex');
  const file = join(request.cache, 'compose', 'layers', `${key}.json`);
  const known = await readKnown(file);
  const layer = known !== undefined && (await relyOn(request.store, known.digest)) === known.size ? known : undefined;
  const written = layer ?? (await storeLayer(request, await items(), compression));
  if (layer === undefined) {
    const { digest, diffId, size, uncompressed } = written;
    await writeCacheFile(file, JSON.stringify({ digest, diffId, size, uncompressed }));
  }
  return {
    descriptor: { mediaType: layerTypeOf(compression), digest: written.digest, size: written.size },
    diffId: written.diffId,
    comment,
    built: layer === undefined,
    uncompressed: written.uncompressed,
  };
}

async function readKnown(file: string): Promise<KnownLayer | undefined> {
  try {
    const known = JSON.parse(await readFile(file, 'utf8')) as KnownLayer;
    return Number.isSafeInteger(known.uncompressed) ? known : undefined;
  } catch {
    return undefined;
  }
}

/** Writes items into the store as a layer blob, sorted; nothing stays when it fails. */
export async function storeLayer(
  request: Pick<ComposeRequest, 'store' | 'cache' | 'layers'>,
  items: readonly LayerItem[],
  compression: LayerCompression,
): Promise<KnownLayer> {
  const scratch = await request.store.scratch();
  try {
    const facts = request.layers?.collector();
    const collect = facts === undefined ? {} : { collect: facts.options };
    const options = { compression, sink: scratch.path, sort: true, ...collect };
    const { digest, diffId, size, uncompressedSize: uncompressed, indexed } = await writeLayer(items, options);
    if (indexed !== undefined) await facts?.keep(digest, indexed);
    await keepFolders(
      request.cache,
      diffId,
      items.map(({ header }) => header),
    );
    await scratch.commit({ digest, size });
    return { digest, diffId, size, uncompressed };
  } catch (error) {
    await scratch.discard();
    throw error;
  }
}

export interface GroupResult {
  readonly layer: StoredLayer;
  readonly records: readonly PackageRecord[];
}

/** The layer of a group and the records of its packages; opens .debs only where one of them is not known yet. */
export async function groupLayer(
  request: ComposeRequest,
  group: LayerGroup,
  compression: LayerCompression,
): Promise<GroupResult> {
  const opened = new Map<string, { items: readonly LayerItem[]; record: PackageRecord }>();
  const open = async (item: LockedPackage): Promise<{ items: readonly LayerItem[]; record: PackageRecord }> => {
    const known = opened.get(item.sha256);
    if (known !== undefined) return known;
    const content = await openPackage(request, item);
    opened.set(item.sha256, content);
    await keepRecord(request.cache, content.record);
    return content;
  };
  const records = await Promise.all(
    group.packages.map(async (item) => (await readRecord(request.cache, item.sha256)) ?? (await open(item)).record),
  );
  const layer = await layerByContent(
    request,
    {
      kind: 'packages',
      inputs: group.packages.map(({ sha256 }) => sha256),
      compression,
      comment: group.packages.map(({ name, version }) => `${name} ${version}`).join(', '),
    },
    async () => merged((await Promise.all(group.packages.map(open))).map(({ items }) => items)),
  );
  return { layer, records };
}

/** One entry a path: of folders the first, of anything else the last. */
export function merged(parts: readonly (readonly LayerItem[])[]): readonly LayerItem[] {
  const items = new Map<string, LayerItem>();
  for (const item of parts.flat()) {
    if (item.header.type !== 'directory' || !items.has(item.header.path)) items.set(item.header.path, item);
  }
  return [...items.values()];
}

/** Fetches, verifies and opens one package. */
export async function openPackage(
  request: ComposeRequest,
  item: LockedPackage,
): Promise<{ items: readonly LayerItem[]; record: PackageRecord }> {
  const { bytes, what } = await fetchLocked(request, item);
  const content = await packageContent(await openDeb(bytes, what), item.sha256);
  const { name, version, architecture } = content.record;
  if (name !== item.name || version !== item.version || architecture !== item.architecture) {
    throw composeError(
      'COMPOSE_PACKAGE_MISMATCH',
      `the package file of ${what} holds ${name} ${version} ${architecture}`,
    );
  }
  return content;
}
