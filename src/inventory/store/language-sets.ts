import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { RecordedContents } from './recorded-contents.ts';
import { packageKey, type StoredPackage } from './stored-package.ts';

/** Packages of languages that a layer brought, as far as they are in the finished image. */
export interface LanguageGroup {
  /** Diff id; undefined where nobody says. */
  readonly layer: Digest | undefined;
  readonly packages: readonly StoredPackage[];
}

/**
 * What is there, by the lowest layer that has it, so that each package stands in one group; what a lock file merely
 * names is not in the image.
 */
export function languageGroups({ languagePackages, layers }: RecordedContents): readonly LanguageGroup[] {
  // A layer may stand in a stack twice: the lower one counts.
  const heights = new Map(layers.map(({ diffId }, height) => [diffId as string, height] as const).reverse());
  const lowest = new Map<string, { readonly height: number; readonly item: StoredPackage }>();
  for (const { ecosystem, name, version, state, locations } of languagePackages) {
    if (state !== 'installed') continue;
    const item = { ecosystem, name, architecture: '', version, source: { name, version } };
    const key = packageKey(item);
    const known = lowest.get(key)?.height ?? UNKNOWN;
    const height = Math.min(known, ...locations.map(({ layer }) => heights.get(layer ?? '') ?? UNKNOWN));
    if (!lowest.has(key) || height < known) lowest.set(key, { height, item });
  }
  return [...Map.groupBy(lowest.values(), ({ height }) => height)]
    .sort(([a], [b]) => a - b)
    .map(([height, members]) => ({ layer: layers[height]?.diffId, packages: members.map(({ item }) => item) }));
}

/** Above every layer. */
const UNKNOWN = Number.MAX_SAFE_INTEGER;

export interface ImageLanguageSet {
  readonly image: number;
  readonly set: number;
  /** layer.id */
  readonly layer: number | undefined;
}

export async function recordLanguageSets(trx: DatabaseTransaction, rows: readonly ImageLanguageSet[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into image_languages (set, image, layer)
    select * from ${unnest(rows, { set: 'integer', image: 'integer', layer: 'integer' })}
      as wanted (set, image, layer)
    order by set, image
    on conflict do nothing`.execute(trx);
}
