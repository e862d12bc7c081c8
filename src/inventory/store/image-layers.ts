import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import { chainIds, type Digest } from '../../oci/index.ts';
import type { LayerContents } from '../types.ts';
import { findVersions } from './package-version.ts';
import type { RecordedContents } from './recorded-contents.ts';
import { packageKey, type StoredPackage } from './stored-package.ts';

/** layer.id by diff id, made where there is none. */
export async function ensureLayers(
  trx: DatabaseTransaction,
  layers: readonly LayerContents[],
): Promise<ReadonlyMap<Digest, number>> {
  if (layers.length === 0) return new Map();
  const distinct = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()]
    .map(({ diffId, bytes, entries }) => ({ diffId, bytes, entries }))
    // One order for every writer, so that two of them never wait for each other.
    .sort((a, b) => (a.diffId < b.diffId ? -1 : 1));
  const ids = await findLayers(trx, distinct);
  const missing = distinct.filter(({ diffId }) => !ids.has(diffId));
  if (missing.length === 0) return ids;
  await sql`
    insert into layer (diff_id, bytes, entries)
    select * from ${unnest(missing, { diffId: 'text', bytes: 'bigint', entries: 'integer' })}
    on conflict do nothing`.execute(trx);
  for (const [diffId, id] of await findLayers(trx, missing)) ids.set(diffId, id);
  return ids;
}

async function findLayers(
  trx: DatabaseTransaction,
  layers: readonly { readonly diffId: Digest }[],
): Promise<Map<Digest, number>> {
  const { rows } = await sql<{ id: number; diff_id: Digest }>`
    select id, diff_id from layer where diff_id = any(${layers.map(({ diffId }) => diffId)}::text[])`.execute(trx);
  return new Map(rows.map((row) => [row.diff_id, row.id]));
}

/**
 * Which package versions each layer brought. A version that a later layer replaced is in no set and has no row to
 * point to: it is left out.
 */
export async function recordLayerPackages(
  trx: DatabaseTransaction,
  images: readonly RecordedContents[],
  ids: ReadonlyMap<Digest, number>,
): Promise<void> {
  const brought = new Brought();
  const done = new Set<Digest>();
  for (const { layers, ecosystem = 'deb', languagePackages } of images) {
    const chain = chainIds(layers.map((layer) => layer.diffId));
    for (const [at, layer] of layers.entries()) {
      const stack = chain[at] as Digest;
      // The same layers below: the same effect, which was taken over from another image of this batch.
      if (done.has(stack)) continue;
      done.add(stack);
      const { added, changed } = layer.packages;
      for (const item of [...added, ...changed]) brought.add(layer.diffId, { ...item, ecosystem });
    }
    for (const item of languagePackages) {
      for (const { layer } of item.locations)
        if (layer !== undefined) brought.add(layer, { ...item, architecture: '' });
    }
  }
  const wanted = brought.packages;
  const versions = await findVersions(trx, wanted);
  const rows = brought.pairs.flatMap(({ layer, key }) => {
    const version = versions.get(key);
    const id = ids.get(layer as Digest);
    return version === undefined || id === undefined ? [] : [{ layer: id, version }];
  });
  if (rows.length === 0) return;
  await sql`
    insert into layer_package (layer, package_version)
    select wanted.layer, wanted.version
    from ${unnest(rows, { layer: 'integer', version: 'integer' })} as wanted (layer, version)
    where not exists (select from layer_package known
      where known.package_version = wanted.version and known.layer = wanted.layer)
    order by 2, 1
    on conflict do nothing`.execute(trx);
}

type BroughtPackage = Omit<StoredPackage, 'source'>;

/** Pairs of layer and package, each once. */
class Brought {
  readonly #packages = new Map<string, BroughtPackage>();
  readonly #layers = new Map<string, Set<string>>();

  add(layer: string, item: BroughtPackage): void {
    const key = packageKey(item);
    this.#packages.set(key, item);
    const keys = this.#layers.get(layer);
    if (keys === undefined) this.#layers.set(layer, new Set([key]));
    else keys.add(key);
  }

  get packages(): readonly (BroughtPackage & { readonly key: string })[] {
    return [...this.#packages].map(([key, { ecosystem, name, architecture, version }]) => {
      return { key, ecosystem, name, architecture, version };
    });
  }

  get pairs(): readonly { readonly layer: string; readonly key: string }[] {
    return [...this.#layers].flatMap(([layer, keys]) => [...keys].map((key) => ({ layer, key })));
  }
}
