import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { decodeCursor, encodeCursor, type Page, pageSize, toPage } from '../cursor.ts';
import { globToLike } from '../image-glob.ts';
import { whereFile } from './files/where-file.ts';
import type { PlacesQuery } from './places.ts';
import { workloadsOf } from './workloads.ts';

/** What the digest is to the image: its own, its base's, a layer's (diff id), a file's content. */
export type DigestRole = 'image' | 'base' | 'layer' | 'file';

export interface WhereDigestQuery extends PlacesQuery {
  /** `sha256:…` */
  readonly digest: string;
}

export interface WhereDigestRow {
  readonly role: DigestRole;
  /** Of a file, with leading `/`. */
  readonly path: string | undefined;
  readonly reference: string | undefined;
  readonly digest: string;
  readonly workloads: readonly string[];
}

const ROLES = ['image', 'base', 'layer'] as const;

/**
 * Which images a digest has to do with. Roles one after the other, then by image and reference.
 * @throws INVENTORY_CURSOR_INVALID
 */
export async function whereDigest(reader: DatabaseReader, query: WhereDigestQuery): Promise<Page<WhereDigestRow>> {
  const limit = pageSize(query.limit);
  const [place, image, reference, inner] =
    query.after === undefined
      ? [-1, 0, '', '']
      : decodeCursor(query.after, ['number', 'number', 'string', 'string'] as const);
  const images = inner === '' ? await imagesOf(reader, query, [place, image, reference], limit + 1) : [];
  const page = toPage(images, limit, (row) => [row.place, row.image, row.reference ?? '', '']);
  const workloads = await workloadsOf(
    reader,
    page.rows.map((row) => row.digest),
  );
  const rows: WhereDigestRow[] = page.rows.map((row) => ({
    role: ROLES[row.place] as DigestRole,
    path: undefined,
    reference: row.reference ?? undefined,
    digest: row.digest,
    workloads: workloads.get(row.digest) ?? [],
  }));
  const sha256 = /^sha256:([0-9a-f]{64})$/.exec(query.digest)?.[1];
  if (page.next !== undefined || sha256 === undefined) return { rows, next: page.next };
  const room = limit - rows.length;
  // Nothing left to fill: files begin on the next page.
  const files = await whereFile(reader, {
    file: { kind: 'content', sha256 },
    limit: Math.max(1, room),
    ...(query.imageGlob === undefined ? {} : { imageGlob: query.imageGlob }),
    ...(inner === '' || inner === START ? {} : { after: inner }),
  });
  if (room === 0)
    return { rows, next: files.rows.length === 0 ? undefined : encodeCursor([ROLES.length, 0, '', START]) };
  return {
    rows: [...rows, ...files.rows.map(({ layer: _, ...row }): WhereDigestRow => ({ role: 'file', ...row }))],
    next: files.next === undefined ? undefined : encodeCursor([ROLES.length, 0, '', files.next]),
  };
}

/** Stands for the beginning of the files. */
const START = '-';

interface ImageRow {
  readonly place: number;
  readonly image: number;
  readonly digest: string;
  readonly reference: string | null;
}

async function imagesOf(
  reader: DatabaseReader,
  { digest, imageGlob }: WhereDigestQuery,
  after: readonly [place: number, image: number, reference: string],
  limit: number,
): Promise<readonly ImageRow[]> {
  const { rows } = await sql<ImageRow>`
    select place, hit.id as image, digest, reference
    from (
      select 0 as place, id, digest from image where digest = ${digest}
      union all select 1, id, digest from image where base_digest = ${digest}
      union all select 2, id, digest from image
        where layers && array(select id from layer where diff_id = ${digest})
    ) hit
    left join image_reference on image_reference.image = hit.id and until is null
    where (place, hit.id, coalesce(reference, '')) > (${after[0]}::integer, ${after[1]}::integer, ${after[2]}::text)
      ${imageGlob === undefined ? sql`` : sql`and reference like ${globToLike(imageGlob)}`}
    order by place, hit.id, coalesce(reference, '') limit ${limit}`.execute(reader);
  return rows;
}
