import type { DatabaseReader } from '../../database/index.ts';
import { DEFAULT_GRADE_POLICY, type GradePolicy } from '../../inventory/index.ts';
import { type FleetRow, fleet } from '../../inventory/store/index.ts';
import { httpError } from '../errors.ts';
import { allRows } from './pages.ts';

/** One image of the fleet: what the engine made of it, and what the inventory knows of the digest. */
export interface KnownImage {
  readonly name: string;
  readonly reference: string;
  readonly digest: string | undefined;
  readonly strategy: string | undefined;
  readonly released: Date | undefined;
  readonly quarantined: boolean;
  readonly inventory: FleetRow | undefined;
}

const nameOf = (reference: string): string => /([^/]+?)(?::[^/:@]+)?(?:@.*)?$/.exec(reference)?.[1] ?? reference;

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
    const short = nameOf(row.reference);
    const name = names.has(short) ? row.reference : short;
    names.add(name);
    const { reference, digest } = row;
    const quarantined = refused.has(digest);
    images.push({ name, reference, digest, strategy: undefined, released: undefined, quarantined, inventory: row });
  }
  return images;
}

/** By name, reference or digest. @throws HTTP_NOT_FOUND */
export function findImage(images: readonly KnownImage[], wanted: string): KnownImage {
  const found =
    images.find(({ name }) => name === wanted) ??
    images.find(({ reference, inventory }) => reference === wanted || inventory?.reference === wanted) ??
    images.find(({ digest }) => digest === wanted);
  if (found !== undefined) return found;
  throw httpError('HTTP_NOT_FOUND', `the fleet has no image ${wanted}`, {
    hint: 'Name it by its name, reference or digest.',
  });
}

/** The reference that an image is told about by: of its name, its digest, or itself. @throws HTTP_NOT_FOUND */
export async function knownReference(reader: DatabaseReader, wanted: string): Promise<string> {
  const named = await reader
    .selectFrom('image_reference')
    .select('reference')
    .where('reference', '=', wanted)
    .limit(1)
    .executeTakeFirst();
  if (named !== undefined) return named.reference;
  const own = await reader
    .selectFrom('fleet_image')
    .innerJoin('image', 'image.digest', 'fleet_image.digest')
    .innerJoin('image_reference', 'image_reference.image', 'image.id')
    .select('reference')
    .where('name', '=', wanted)
    .where('until', 'is', null)
    .limit(1)
    .executeTakeFirst();
  if (own !== undefined) return own.reference;
  const byDigest = await reader
    .selectFrom('image')
    .innerJoin('image_reference', 'image_reference.image', 'image.id')
    .select('reference')
    .where('digest', '=', wanted)
    .orderBy('since', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (byDigest !== undefined) return byDigest.reference;
  throw httpError('HTTP_NOT_FOUND', `the inventory has no image ${wanted}`, {
    hint: 'Name it by its reference, its name in the fleet, or its digest.',
  });
}
