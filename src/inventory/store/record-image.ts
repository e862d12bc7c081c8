import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { EcosystemId } from '../../distro/index.ts';
import { chainIds, type Digest } from '../../oci/index.ts';
import { type Base, declaredBase } from '../lineage.ts';
import { type ImageContents, type LayerContents, scopeOf } from '../types.ts';
import { refreshExposure } from './exposure.ts';
import { ensurePackageSet } from './package-set.ts';
import { pointReference } from './reference.ts';

export interface RecordImage {
  readonly digest: Digest;
  readonly contents: ImageContents;
  /** What names the image from now on; undefined for one that is known by digest alone. */
  readonly reference?: string;
  /** The base its recipe names, which knows better than annotations and layers. */
  readonly recipeBase?: { readonly digest: Digest; readonly name?: string };
  readonly now: Date;
}

export interface RecordedImage {
  readonly id: number;
  /** False when the digest was known: only the reference may have moved. */
  readonly added: boolean;
  readonly base: Base | undefined;
}

/** Puts an image into the inventory. Idempotent: the same digest and reference again change nothing. */
export async function recordImage(trx: DatabaseTransaction, image: RecordImage): Promise<RecordedImage> {
  const known = await trx
    .selectFrom('image')
    .select(['id', 'base_digest', 'base_name', 'base_evidence'])
    .where('digest', '=', image.digest)
    .executeTakeFirst();
  const recorded =
    known === undefined
      ? await insertImage(trx, image)
      : { id: known.id, added: false, base: baseOf(known.base_digest, known.base_name, known.base_evidence) };
  if (image.reference !== undefined) await pointReference(trx, image.reference, recorded.id, image.now);
  return recorded;
}

async function insertImage(trx: DatabaseTransaction, image: RecordImage): Promise<RecordedImage> {
  const { contents } = image;
  // Without a database there are no packages, whose format would matter.
  const ecosystem = contents.ecosystem ?? 'deb';
  const set = await ensurePackageSet(trx, ecosystem, contents.packages);
  const layers = await ensureLayers(trx, contents.layers);
  await recordLayerPackages(trx, ecosystem, contents.layers, layers, set);
  const chain = chainIds(contents.layers.map((layer) => layer.diffId));
  const base = declaredBase(contents.annotations, image.recipeBase) ?? (await baseByLayers(trx, chain));
  const scope = scopeOf(contents);
  const row = await trx
    .insertInto('image')
    .values({
      digest: image.digest,
      distribution: contents.distribution?.name ?? '',
      architecture: contents.architecture,
      scope,
      package_set: set,
      layers: [...layers],
      chain: chain.at(-1) ?? null,
      base_digest: base?.digest ?? null,
      base_name: base?.name ?? null,
      base_evidence: base?.evidence ?? null,
      bytes: contents.layers.reduce((sum, layer) => sum + layer.compressedBytes, 0),
      wasted_bytes: contents.layers.reduce((sum, layer) => sum + layer.wastedBytes, 0),
      created: parseDate(contents.config?.created),
      incomplete: JSON.stringify(contents.incomplete),
      recorded: image.now,
    })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (row === undefined) {
    // Another process recorded the same digest meanwhile.
    const { id } = await trx
      .selectFrom('image')
      .select('id')
      .where('digest', '=', image.digest)
      .executeTakeFirstOrThrow();
    return { id, added: false, base };
  }
  if (scope !== '') await refreshExposure(trx, scope, [set]);
  return { id: row.id, added: true, base };
}

function baseOf(digest: string | null, name: string | null, evidence: string | null): Base | undefined {
  if (digest === null) return undefined;
  return { digest: digest as Digest, name: name ?? undefined, evidence: evidence as Base['evidence'] };
}

/** The image whose whole stack is the longest proper prefix of this one; the first recorded of several. */
async function baseByLayers(trx: DatabaseTransaction, chain: readonly Digest[]): Promise<Base | undefined> {
  const prefixes = chain.slice(0, -1);
  if (prefixes.length === 0) return undefined;
  const row = await trx
    .selectFrom('image')
    .select('digest')
    .where('chain', 'in', prefixes)
    .orderBy(sql`cardinality(layers)`, 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : { digest: row.digest as Digest, name: undefined, evidence: 'layers' };
}

/** Layer ids, bottom first. */
async function ensureLayers(trx: DatabaseTransaction, layers: readonly LayerContents[]): Promise<readonly number[]> {
  if (layers.length === 0) return [];
  const distinct = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()]
    .map(({ diffId, bytes, entries }) => ({ diffId, bytes, entries }))
    // One order for every writer, so that two of them never wait for each other.
    .sort((a, b) => (a.diffId < b.diffId ? -1 : 1));
  await sql`
    insert into layer (diff_id, bytes, entries)
    select * from ${unnest(distinct, { diffId: 'text', bytes: 'bigint', entries: 'integer' })}
    on conflict do nothing`.execute(trx);
  const rows = await trx
    .selectFrom('layer')
    .select(['id', 'diff_id'])
    .where(
      'diff_id',
      'in',
      distinct.map((layer) => layer.diffId),
    )
    .execute();
  const ids = new Map(rows.map((row) => [row.diff_id, row.id]));
  return layers.map((layer) => ids.get(layer.diffId) as number);
}

async function recordLayerPackages(
  trx: DatabaseTransaction,
  ecosystem: EcosystemId,
  layers: readonly LayerContents[],
  ids: readonly number[],
  set: number,
): Promise<void> {
  const top = layers.findLastIndex(({ packages }) => packages.added.length + packages.changed.length > 0);
  // The same layers up to the last that brought anything did the same in the image they were seen in first.
  const seen = await sql<{ id: number }>`
    select id from image where package_set = ${set} and layers[1:${top + 1}] = ${ids.slice(0, top + 1)}::integer[]
    limit 1`.execute(trx);
  if (seen.rows.length > 0) return;
  const rows = layers.flatMap((layer, index) =>
    [...layer.packages.added, ...layer.packages.changed].map((item) => ({
      layer: ids[index] as number,
      name: item.name,
      architecture: item.architecture,
      version: item.version,
    })),
  );
  if (rows.length === 0) return;
  // A version that a later layer replaced is in no set and has no row to point to: the join leaves it out.
  await sql`
    insert into layer_package (layer, package_version)
    select distinct wanted.layer, package_version.id
    from ${unnest(rows, { layer: 'integer', name: 'text', architecture: 'text', version: 'text' })}
      as wanted (layer, name, architecture, version)
    join package on package.ecosystem = ${ecosystem} and package.name = wanted.name
      and package.architecture = wanted.architecture
    join package_version on package_version.package = package.id and package_version.version = wanted.version
    order by 2, 1
    on conflict do nothing`.execute(trx);
}

function parseDate(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date;
}
