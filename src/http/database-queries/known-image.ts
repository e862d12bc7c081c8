import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { httpError } from '../errors.ts';

export interface NamedImage {
  readonly name: string;
  readonly reference: string;
  /** Undefined: the engine has not built it yet. */
  readonly digest: string | undefined;
}

/** What an image of the inventory is called: its last path segment, without tag and digest. */
export const shortName = (reference: string): string =>
  reference
    .replace(/^.*\//s, '')
    .replace(/@.*$/s, '')
    .replace(/(.):[^:]*$/s, '$1');

/**
 * The image of the fleet that is meant: by name, reference or digest, the engine's own before what is only in the
 * inventory. Each way is an index look-up, whatever the size of the fleet. @throws HTTP_NOT_FOUND
 */
export async function namedImage(reader: DatabaseReader, wanted: string): Promise<NamedImage> {
  const found =
    (await ownImage(reader, sql`name = ${wanted}`)) ??
    (await recordedImage(reader, sql`image_short_name(reference) = ${wanted}`)) ??
    (await ownByReference(reader, wanted)) ??
    (await recordedImage(reader, sql`reference = ${wanted}`)) ??
    (await ownImage(reader, sql`digest = ${wanted}`)) ??
    (await recordedImage(reader, sql`image = (select id from image where digest = ${wanted})`));
  if (found !== undefined) return found;
  throw httpError('HTTP_NOT_FOUND', `the fleet has no image ${wanted}`, {
    hint: 'Name it by its name, reference or digest.',
  });
}

type Condition = ReturnType<typeof sql>;

async function ownImage(reader: DatabaseReader, condition: Condition): Promise<NamedImage | undefined> {
  const { rows } = await sql<{ name: string; repository: string; tag: string; digest: string | null }>`
    select name, repository, tag, digest from fleet_image where ${condition} order by name limit 1`.execute(reader);
  const [row] = rows;
  return row && { name: row.name, reference: `${row.repository}:${row.tag}`, digest: row.digest ?? undefined };
}

/** Where it is released to, or another name of the digest that was released. */
async function ownByReference(reader: DatabaseReader, wanted: string): Promise<NamedImage | undefined> {
  const colon = wanted.lastIndexOf(':');
  const released =
    colon < 0
      ? undefined
      : await ownImage(reader, sql`repository = ${wanted.slice(0, colon)} and tag = ${wanted.slice(colon + 1)}`);
  return (
    released ??
    ownImage(
      reader,
      sql`digest = (select digest from image_reference join image on image.id = image_reference.image
        where reference = ${wanted} and until is null)`,
    )
  );
}

/** The first reference that names an image now which is not the engine's own. */
async function recordedImage(reader: DatabaseReader, condition: Condition): Promise<NamedImage | undefined> {
  const { rows } = await sql<{ reference: string; digest: string }>`
    select reference, digest from image_reference join image on image.id = image_reference.image
    where until is null and ${condition}
      and not exists (select from fleet_image where fleet_image.digest = image.digest)
    order by reference limit 1`.execute(reader);
  const [row] = rows;
  return row && { name: shortName(row.reference), ...row };
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
