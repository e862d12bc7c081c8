import { sql } from 'kysely';
import type { DatabaseReader } from '../../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../../cursor.ts';
import { inventoryError } from '../../errors.ts';
import { globToLike } from '../../image-glob.ts';
import { ancestorsOf } from '../../layer-files.ts';
import { workloadsOf } from '../workloads.ts';
import { findFolders, findPaths, splitPath } from './paths.ts';

/** What is looked for; one of them. */
export type FileWanted =
  /** `/usr/bin/curl`; a name without `/`, in any folder; `*` and `?` as in image globs. */
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'soname'; readonly soname: string }
  /** Hexadecimal sha256 of the content. */
  | { readonly kind: 'content'; readonly sha256: string };

export interface WhereFileQuery {
  readonly file: FileWanted;
  readonly imageGlob?: string;
  readonly limit?: number;
  readonly after?: string;
}

/** One image that shows the file. */
export interface WhereFileRow {
  /** With leading `/`. */
  readonly path: string;
  readonly reference: string | undefined;
  readonly digest: string;
  /** Diff id of the layer whose file it is. */
  readonly layer: string;
  readonly workloads: readonly string[];
}

/** A path with the layers that would show a file that is looked for. */
interface Candidate {
  readonly id: number;
  readonly path: string;
  /** Undefined: any layer that has the path. */
  readonly layers: ReadonlySet<number> | undefined;
}

/** Images looked at by one statement. */
const IMAGES = 2_000;
/** Paths of one question; a glob that fits more is refused rather than cut. */
export const MAX_PATHS = 20_000;

/**
 * Which images show a file: path by path, then image by image. A file counts where it is in the finished tree: not
 * deleted, replaced or hidden by a layer above. Images whose layers were never read for files are not found
 * (`filesUnread`).
 *
 * @throws INVENTORY_CURSOR_INVALID, INVENTORY_TOO_MANY_PATHS
 */
export async function whereFile(reader: DatabaseReader, query: WhereFileQuery): Promise<Page<WhereFileRow>> {
  const limit = pageSize(query.limit);
  const like = query.imageGlob === undefined ? undefined : globToLike(query.imageGlob);
  const from =
    query.after === undefined ? undefined : decodeCursor(query.after, ['string', 'number', 'string'] as const);
  const candidates = (await candidatesOf(reader, query.file)).filter(({ path }) => path >= (from?.[0] ?? ''));
  const found: Hit[] = [];
  for (const candidate of candidates) {
    const after: readonly [number, string] = candidate.path === from?.[0] ? [from[1], from[2]] : [0, ''];
    found.push(...(await imagesShowing(reader, candidate, like, after, limit + 1 - found.length)));
    if (found.length > limit) break;
  }
  const page = toPage(found, limit, (hit) => [hit.path, hit.image, hit.reference ?? '']);
  return { next: page.next, rows: await toRows(reader, page.rows) };
}

interface Hit {
  readonly path: string;
  readonly image: number;
  readonly digest: string;
  readonly reference: string | null;
  readonly layer: number;
}

/** By path. */
async function candidatesOf(reader: DatabaseReader, wanted: FileWanted): Promise<readonly Candidate[]> {
  if (wanted.kind === 'path') return candidatesOfPath(reader, wanted.path);
  const { rows } = await sql<{ id: number; folder: string; name: string; layers: number[] }>`
    select file_path.id, file_folder.path as folder, name, fact.layers
    from (
      select path, array_agg(layer) as layers
      from ${wanted.kind === 'soname' ? sql`layer_soname where soname = ${wanted.soname}` : sql`layer_file_digest where digest = decode(${wanted.sha256}, 'hex')`}
      group by path
    ) fact
    join file_path on file_path.id = fact.path
    join file_folder on file_folder.id = file_path.folder`.execute(reader);
  return rows.map((row) => ({ id: row.id, path: joined(row), layers: new Set(row.layers) })).sort(byPath);
}

async function candidatesOfPath(reader: DatabaseReader, pattern: string): Promise<readonly Candidate[]> {
  const clean = pattern.replace(/\/{2,}/g, '/').replace(/^\/(?=.)/, '');
  const { folder, name } = splitPath(clean);
  const anywhere = !pattern.includes('/');
  if (!isGlob(clean) && !anywhere) {
    const id = (await findPaths(reader, [clean])).get(clean);
    return id === undefined ? [] : [{ id, path: clean, layers: undefined }];
  }
  // `*` crosses slashes, so the name is certain only where the glob ends in a plain one.
  const byName = isGlob(name) ? (anywhere ? sql`name like ${globToLike(name)}` : sql`true`) : sql`name = ${name}`;
  const byFolder = isGlob(name)
    ? sql`case when path = '' then name else path || '/' || name end like ${globToLike(clean)}`
    : sql`path like ${globToLike(folder)}`;
  const { rows } = await sql<{ id: number; folder: string; name: string }>`
    select file_path.id, file_folder.path as folder, name
    from file_path join file_folder on file_folder.id = file_path.folder
    where ${byName} ${anywhere ? sql`` : sql`and ${byFolder}`}
    limit ${MAX_PATHS + 1}`.execute(reader);
  if (rows.length > MAX_PATHS) {
    throw inventoryError(
      'INVENTORY_TOO_MANY_PATHS',
      `more than ${MAX_PATHS} known paths fit ${JSON.stringify(pattern)}`,
      {
        hint: 'Say more of the path.',
      },
    );
  }
  return rows.map((row) => ({ id: row.id, path: joined(row), layers: undefined })).sort(byPath);
}

const isGlob = (text: string): boolean => /[*?]/.test(text);

/** Code unit order, which cursors compare in. */
const byPath = (a: Candidate, b: Candidate): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

function joined({ folder, name }: { readonly folder: string; readonly name: string }): string {
  return folder === '' ? name : `${folder}/${name}`;
}

async function imagesShowing(
  reader: DatabaseReader,
  candidate: Candidate,
  like: string | undefined,
  after: readonly [image: number, reference: string],
  limit: number,
): Promise<readonly Hit[]> {
  const { path } = candidate;
  const { rows: has } = await sql<{ layer: number; notable: boolean }>`
    select layer, true as notable from layer_files where notable @> ${[candidate.id]}::integer[]
    union all select layer, false from layer_files where other @> ${[candidate.id]}::integer[]`.execute(reader);
  const present = new Set(has.map((row) => row.layer));
  // What the other layers of a stack say of a path is known where one of them makes it notable.
  const notable = has.filter((row) => row.notable).map((row) => row.layer);
  const wanted = candidate.layers ?? present;
  if (notable.length === 0 || wanted.size === 0) return [];
  const hidden = await hidingLayers(reader, candidate);
  const hits: Hit[] = [];
  for (let from = after; hits.length < limit; ) {
    const { rows } = await sql<{ id: number; digest: string; layers: number[]; reference: string | null }>`
      select image.id, digest, layers, reference
      from image
      left join lateral (
        select reference from image_reference where image_reference.image = image.id and until is null offset 0
      ) named on true
      where layers && ${notable}::integer[]
        and (image.id, coalesce(reference, '')) > (${from[0]}::integer, ${from[1]}::text)
        ${like === undefined ? sql`` : sql`and reference like ${like}`}
      order by image.id, coalesce(reference, '') limit ${IMAGES}`.execute(reader);
    for (const { id, digest, layers, reference } of rows) {
      const layer = shownBy(layers, present, hidden);
      if (layer !== undefined && wanted.has(layer)) hits.push({ path, image: id, digest, reference, layer });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < IMAGES) break;
    from = [last.id, last.reference ?? ''];
  }
  return hits.slice(0, limit);
}

/** The topmost layer that has the path, unless one above hides it; its own files come after what it hides. */
function shownBy(
  layers: readonly number[],
  present: ReadonlySet<number>,
  hidden: ReadonlySet<number>,
): number | undefined {
  const layer = layers.findLast((one) => present.has(one) || hidden.has(one));
  return layer !== undefined && present.has(layer) ? layer : undefined;
}

async function hidingLayers(reader: DatabaseReader, { id, path }: Candidate): Promise<ReadonlySet<number>> {
  const above = ancestorsOf(path);
  const paths = await findPaths(reader, above);
  const folders = await findFolders(reader, ['', ...above]);
  const { rows } = await sql<{ layer: number }>`
    select layer from layer_files where hidden && ${[id, ...paths.values()]}::integer[]
    union select layer from layer_files where folders @> ${[id]}::integer[]
    union select layer from layer_files where opaque && ${[...folders.values()]}::integer[]`.execute(reader);
  return new Set(rows.map((row) => row.layer));
}

async function toRows(reader: DatabaseReader, hits: readonly Hit[]): Promise<readonly WhereFileRow[]> {
  const { rows: layers } = await sql<{ id: number; diff_id: string }>`
    select id, diff_id from layer where id = any(${[...new Set(hits.map((hit) => hit.layer))]}::integer[])`.execute(
    reader,
  );
  const diffIds = new Map(layers.map((row) => [row.id, row.diff_id]));
  const workloads = await workloadsOf(
    reader,
    hits.map((hit) => hit.digest),
  );
  return hits.map((hit) => ({
    path: `/${hit.path}`,
    reference: hit.reference ?? undefined,
    digest: hit.digest,
    layer: diffIds.get(hit.layer) as string,
    workloads: workloads.get(hit.digest) ?? [],
  }));
}

/** What an answer about files cannot speak of. */
export interface FilesUnread {
  /** Named images with a layer that was never read for its files. */
  readonly images: number;
  /** Layers whose files' content was not hashed: `content` does not find them. */
  readonly unhashedLayers: number;
  /** Layers whose libraries were not read: `soname` does not find them. */
  readonly layersWithoutNames: number;
}

export async function filesUnread(reader: DatabaseReader): Promise<FilesUnread> {
  const { rows } = await sql<{ images: number; unhashed: number; unnamed: number }>`
    with unread as materialized (
      select id from layer where not exists (select from layer_files where layer_files.layer = layer.id)
    )
    select
      (select count(*)::integer from image
        where layers && (select coalesce(array_agg(id), '{}') from unread)
          and exists (select from image_reference where image_reference.image = image.id and until is null)) as images,
      (select count(*)::integer from layer
        where not exists (select from layer_files where layer_files.layer = layer.id and hashed)) as unhashed,
      (select count(*)::integer from layer
        where not exists (select from layer_elf where layer_elf.layer = layer.id)) as unnamed`.execute(reader);
  const { images, unhashed, unnamed } = rows[0] as { images: number; unhashed: number; unnamed: number };
  return { images, unhashedLayers: unhashed, layersWithoutNames: unnamed };
}
