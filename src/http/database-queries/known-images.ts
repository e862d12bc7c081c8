import type { DatabaseReader } from '../../database/index.ts';
import { DEFAULT_GRADE_POLICY, type GradePolicy } from '../../inventory/index.ts';
import { type FleetRow, fleet } from '../../inventory/store/index.ts';
import { type NamedImage, shortName } from './known-image.ts';
import { allRows } from './pages.ts';

/** One image of the fleet: what the engine made of it, and what the inventory knows of the digest. */
export interface KnownImage extends NamedImage {
  readonly strategy: string | undefined;
  readonly released: Date | undefined;
  readonly quarantined: boolean;
  readonly inventory: FleetRow | undefined;
}

/** The engine's images by name, then what is only in the inventory (scanned, not built here) by reference. */
export async function knownImages(
  reader: DatabaseReader,
  now: Date,
  policy: GradePolicy = DEFAULT_GRADE_POLICY,
): Promise<readonly KnownImage[]> {
  const [own, quarantine, rows] = await Promise.all([
    reader.selectFrom('fleet_image').selectAll().orderBy('name').execute(),
    reader.selectFrom('quarantine').select(['digest', 'image']).where('lifted', 'is', null).execute(),
    allRows((page) => fleet(reader, { ...page, now, policy })),
  ]);
  const byDigest = new Map(rows.map((row) => [row.digest, row]));
  const refused = new Set(quarantine.map(({ digest }) => digest));
  const images = own.map(
    ({ name, repository, tag, digest, strategy, released }): KnownImage => ({
      name,
      reference: `${repository}:${tag}`,
      digest: digest ?? undefined,
      strategy: strategy ?? undefined,
      released: released ?? undefined,
      quarantined: digest !== null && refused.has(digest),
      inventory: digest === null ? undefined : byDigest.get(digest),
    }),
  );
  const taken = new Set(images.map(({ digest }) => digest));
  const names = new Set(images.map(({ name }) => name));
  for (const row of rows) {
    if (taken.has(row.digest)) continue;
    const short = shortName(row.reference);
    const name = names.has(short) ? row.reference : short;
    names.add(name);
    const { reference, digest } = row;
    const quarantined = refused.has(digest);
    images.push({ name, reference, digest, strategy: undefined, released: undefined, quarantined, inventory: row });
  }
  return images;
}
