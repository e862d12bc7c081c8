import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import { chainIds, type Digest } from '../../oci/index.ts';
import { layerFiles } from '../layer-files.ts';
import { type Base, declaredBase } from '../lineage.ts';
import { scopeOf } from '../types.ts';
import { refreshExposure } from './exposure.ts';
import { recordNewLibraryNames } from './files/new-library-names.ts';
import { recordFiles } from './files/record-files.ts';
import { basesByLayers } from './image-base.ts';
import { recordImageDigests } from './image-digests.ts';
import { ensureLayers, recordLayerPackages } from './image-layers.ts';
import { languageGroups, recordLanguageSets } from './language-sets.ts';
import { ensurePackageSets } from './package-set.ts';
import { recordUsage } from './record-usage.ts';
import type { RecordedContents } from './recorded-contents.ts';
import { pointReferences } from './reference.ts';
import { addScopePackages } from './scope-packages.ts';
import { arrayText, type StoredPackage } from './stored-package.ts';

export interface RecordImage {
  readonly digest: Digest;
  readonly contents: RecordedContents;
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

const IMAGE_COLUMNS = {
  digest: 'text',
  distribution: 'text',
  architecture: 'text',
  scope: 'text',
  package_set: 'integer',
  layers: 'text',
  chain: 'text',
  base_digest: 'text',
  base_name: 'text',
  base_evidence: 'text',
  bytes: 'bigint',
  wasted_bytes: 'bigint',
  created: 'timestamptz',
  incomplete: 'text',
  recorded: 'timestamptz',
} as const;

/** Puts an image into the inventory. Idempotent: the same digest and reference again change nothing. */
export async function recordImage(trx: DatabaseTransaction, image: RecordImage): Promise<RecordedImage> {
  return (await recordImages(trx, [image]))[0] as RecordedImage;
}

/**
 * The same for many at once, for crawlers and recovery: what one by one in this order would give, with a fixed number
 * of statements. A few hundred are a good number: one transaction, and the writer of new versions blocks others.
 */
export async function recordImages(
  trx: DatabaseTransaction,
  images: readonly RecordImage[],
): Promise<readonly RecordedImage[]> {
  const known = await findImages(
    trx,
    images.map(({ digest }) => digest),
  );
  const first = new Map(images.map(({ digest }, at) => [digest, at] as const).reverse());
  const fresh = images.filter(({ digest }, at) => !known.has(digest) && first.get(digest) === at);
  const added = fresh.length === 0 ? new Map<Digest, RecordedImage>() : await insertImages(trx, fresh);
  const recorded = images.map(({ digest }, at) => {
    const image = known.get(digest) ?? (added.get(digest) as RecordedImage);
    return first.get(digest) === at ? image : { ...image, added: false };
  });
  await recordImageDigests(
    trx,
    images.flatMap(({ contents }, at) =>
      (contents.alsoKnownAs ?? []).map((digest) => ({ digest, image: (recorded[at] as RecordedImage).id })),
    ),
  );
  await recordUsage(
    trx,
    images.map(({ contents }, at) => ({ id: (recorded[at] as RecordedImage).id, contents })),
  );
  await pointReferences(
    trx,
    images.flatMap(({ reference, now }, at) =>
      reference === undefined ? [] : [{ reference, image: (recorded[at] as RecordedImage).id, now }],
    ),
  );
  return recorded;
}

async function findImages(
  trx: DatabaseTransaction,
  digests: readonly Digest[],
): Promise<ReadonlyMap<Digest, RecordedImage>> {
  const { rows } = await sql<{
    id: number;
    digest: Digest;
    base_digest: string | null;
    base_name: string | null;
    base_evidence: string | null;
  }>`
    select id, digest, base_digest, base_name, base_evidence from image
    where digest = any(${digests}::text[])`.execute(trx);
  return new Map(
    rows.map((row) => [
      row.digest,
      { id: row.id, added: false, base: baseOf(row.base_digest, row.base_name, row.base_evidence) },
    ]),
  );
}

async function insertImages(
  trx: DatabaseTransaction,
  images: readonly RecordImage[],
): Promise<ReadonlyMap<Digest, RecordedImage>> {
  const languages = images.flatMap(({ digest, contents }) =>
    languageGroups(contents).map((group) => ({ digest, ...group })),
  );
  const sets = await ensurePackageSets(trx, [
    ...images.map(({ contents }) => distributionPackages(contents)),
    ...languages.map(({ packages }) => packages),
  ]);
  const stacks = images.map(({ contents }) => contents.layers);
  const layers = await ensureLayers(trx, stacks.flat());
  await recordLayerPackages(
    trx,
    images.map(({ contents }) => contents),
    layers,
  );
  await recordFiles(
    trx,
    images.flatMap(({ contents: { indexes } }) => (indexes === undefined ? [] : layerFiles(indexes))),
    layers,
  );
  await recordNewLibraryNames(
    trx,
    images.map(({ contents }) => contents),
    layers,
  );
  const chains = stacks.map((stack) => chainIds(stack.map((layer) => layer.diffId)));
  const byLayers = await basesByLayers(
    trx,
    images.map(({ digest }, at) => ({ digest, chain: chains[at] as readonly Digest[] })),
  );
  const bases = images.map(
    ({ contents, recipeBase }, at) => declaredBase(contents.annotations, recipeBase) ?? byLayers[at],
  );
  const rows = images.map(({ digest, contents, now }, at) => ({
    digest,
    distribution: contents.distribution?.name ?? '',
    architecture: contents.architecture,
    scope: scopeOf(contents),
    package_set: sets.ids[at] as number,
    layers: arrayText(contents.layers.map((layer) => layers.get(layer.diffId) as number)),
    chain: chains[at]?.at(-1),
    base_digest: bases[at]?.digest,
    base_name: bases[at]?.name,
    base_evidence: bases[at]?.evidence,
    bytes: contents.layers.reduce((sum, layer) => sum + layer.compressedBytes, 0),
    wasted_bytes: contents.layers.reduce((sum, layer) => sum + layer.wastedBytes, 0),
    created: parseDate(contents.config?.created),
    incomplete: JSON.stringify(contents.incomplete),
    recorded: now,
  }));
  const names = Object.keys(IMAGE_COLUMNS).join(', ');
  const { rows: inserted } = await sql<{ id: number; digest: Digest }>`
    insert into image (${sql.raw(names)})
    select ${sql.raw(names.replace('layers', 'layers::integer[]'))}
    from ${unnest(rows, IMAGE_COLUMNS)} with ordinality as wanted (${sql.raw(names)}, place)
    -- Ids rise in the order of the batch: the first recorded of several is the base.
    order by place
    on conflict (digest) do nothing returning id, digest`.execute(trx);
  const ids = new Map(inserted.map((row) => [row.digest, row.id]));
  await recordLanguageSets(
    trx,
    languages.flatMap(({ digest, layer }, at) => {
      const [image, set] = [ids.get(digest), sets.ids[images.length + at] as number];
      return image === undefined ? [] : [{ image, set, layer: layer === undefined ? undefined : layers.get(layer) }];
    }),
  );
  await gradeSets(
    trx,
    rows.filter((row) => row.scope !== '' && ids.has(row.digest)),
    sets.made,
  );
  // Another process recorded the same digest meanwhile.
  const others = await findImages(
    trx,
    images.flatMap(({ digest }) => (ids.has(digest) ? [] : [digest])),
  );
  return new Map(
    images.map(({ digest }, at) => {
      const id = ids.get(digest);
      const other = others.get(digest) as RecordedImage;
      return [digest, id === undefined ? { ...other, base: bases[at] } : { id, added: true, base: bases[at] }];
    }),
  );
}

function distributionPackages({ ecosystem, packages }: RecordedContents): readonly StoredPackage[] {
  // Without a database there are no packages, whose format would matter.
  return packages.map(({ name, architecture, version, source, module }) => {
    const stream = module === undefined ? {} : { module };
    return { ecosystem: ecosystem ?? 'deb', name, architecture, version, source, ...stream };
  });
}

/** What is known of the versions of a set counts for a new image of it at once. */
async function gradeSets(
  trx: DatabaseTransaction,
  images: readonly { readonly scope: string; readonly package_set: number }[],
  made: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  for (const [scope, members] of Map.groupBy(images, (image) => image.scope)) {
    const sets = [...new Set(members.map((image) => image.package_set))].sort((a, b) => a - b);
    await addScopePackages(trx, scope, sets, made);
    await refreshExposure(trx, scope, sets);
  }
}

function baseOf(digest: string | null, name: string | null, evidence: string | null): Base | undefined {
  if (digest === null) return undefined;
  return { digest: digest as Digest, name: name ?? undefined, evidence: evidence as Base['evidence'] };
}

function parseDate(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
