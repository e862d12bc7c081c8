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
 * Which package versions of the distribution each layer brought; those of languages stand in sets by layer. A version
 * that a later layer replaced is in no set and has no row to point to: it is left out until an image has it.
 */
export async function recordLayerPackages(
  trx: DatabaseTransaction,
  images: readonly RecordedContents[],
  ids: ReadonlyMap<Digest, number>,
): Promise<void> {
  const stacks = await unrecorded(trx, stacksOf(images));
  const wanted = new Map(
    stacks.flatMap(({ packages }) => packages.map((item) => [packageKey(item), { ...item, key: packageKey(item) }])),
  );
  const versions = await findVersions(trx, [...wanted.values()]);
  const pairs = new Map<string, { readonly layer: number; readonly version: number }>();
  for (const { layer: diffId, packages } of stacks) {
    const layer = ids.get(diffId);
    for (const item of packages) {
      const version = versions.get(packageKey(item));
      if (layer !== undefined && version !== undefined) pairs.set(`${layer} ${version}`, { layer, version });
    }
  }
  if (pairs.size > 0) {
    await sql`
      insert into layer_package (layer, package_version)
      select wanted.layer, wanted.version
      from ${unnest([...pairs.values()], { layer: 'integer', version: 'integer' })} as wanted (layer, version)
      where not exists (select from layer_package known
        where known.package_version = wanted.version and known.layer = wanted.layer)
      order by 2, 1
      on conflict do nothing`.execute(trx);
  }
  const complete = stacks.filter(({ packages }) => packages.every((item) => versions.has(packageKey(item))));
  if (complete.length === 0) return;
  await sql`
    insert into recorded_stack (chain) select decode(unnest(${complete.map(({ chain }) => chain).sort()}::text[]), 'hex')
    on conflict do nothing`.execute(trx);
}

interface Stack {
  /** Its ChainID, hexadecimal. */
  readonly chain: string;
  /** Diff id of the topmost layer, which brought the packages over those below. */
  readonly layer: Digest;
  readonly packages: readonly Omit<StoredPackage, 'source'>[];
}

/** Each distinct stack whose topmost layer brought something. */
function stacksOf(images: readonly RecordedContents[]): readonly Stack[] {
  const stacks = new Map<string, Stack>();
  for (const { layers, ecosystem = 'deb' } of images) {
    const chains = chainIds(layers.map((layer) => layer.diffId));
    for (const [at, { diffId, packages }] of layers.entries()) {
      const chain = (chains[at] as Digest).slice('sha256:'.length);
      const { added, changed } = packages;
      // The same layers below: the same effect.
      if (added.length + changed.length === 0 || stacks.has(chain)) continue;
      const brought = [...added, ...changed].map(({ name, architecture, version }) => {
        return { ecosystem, name, architecture, version };
      });
      stacks.set(chain, { chain, layer: diffId, packages: brought });
    }
  }
  return [...stacks.values()];
}

async function unrecorded(trx: DatabaseTransaction, stacks: readonly Stack[]): Promise<readonly Stack[]> {
  if (stacks.length === 0) return [];
  const { rows } = await sql<{ chain: string }>`
    select encode(chain, 'hex') as chain from recorded_stack
    where chain = any(array(select decode(unnest(${stacks.map(({ chain }) => chain)}::text[]), 'hex')))`.execute(trx);
  const known = new Set(rows.map(({ chain }) => chain));
  return stacks.filter(({ chain }) => !known.has(chain));
}
