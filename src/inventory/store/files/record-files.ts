import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../../database/index.ts';
import type { Digest } from '../../../oci/index.ts';
import type { LayerFiles } from '../../layer-files.ts';
import { arrayText } from '../stored-package.ts';
import { ensureFolders, ensurePaths } from './paths.ts';

/** Any number of ours: who adds to a layer's files reads them first, so writers take turns. */
const FILES_LOCK = 4_372_082;

interface Stored {
  readonly layer: number;
  readonly notable: readonly number[];
  readonly other: readonly number[];
  readonly hidden: readonly number[];
  readonly opaque: readonly number[];
  readonly folders: readonly number[];
  readonly hashed: boolean;
  readonly merged: readonly string[];
}

/**
 * Keeps what layers say about files. The same layer over another stack may say more (which of its paths matter depends
 * on the layers around it): what is new is added, nothing is ever taken away.
 * @param ids layer.id by diff id
 */
export async function recordFiles(
  trx: DatabaseTransaction,
  layers: readonly LayerFiles[],
  ids: ReadonlyMap<Digest, number>,
): Promise<void> {
  const said = distinct(layers);
  const wanted = [...said.values()].flatMap(({ diffId }) => ids.get(diffId) ?? []);
  if (unsaid(said, await storedFiles(trx, wanted), ids).length === 0) return;
  await sql`select pg_advisory_xact_lock(${FILES_LOCK})`.execute(trx);
  const known = await storedFiles(trx, wanted);
  const fresh = unsaid(said, known, ids);
  const paths = await ensurePaths(
    trx,
    fresh.flatMap(({ files }) => [...files.present.map(({ path }) => path), ...files.hidden, ...files.folders]),
  );
  const folders = await ensureFolders(
    trx,
    fresh.flatMap(({ files }) => files.opaque),
  );
  const idsOf = (list: readonly string[]): readonly number[] => list.map((path) => paths.get(path) as number);
  const rows = [...Map.groupBy(fresh, ({ layer }) => layer)].map(([layer, parts]) => {
    const before = known.get(layer);
    const all = parts.map(({ files }) => files);
    const present = (notable: boolean): readonly string[] =>
      all.flatMap((files) => files.present.flatMap((file) => (file.notable === notable ? [file.path] : [])));
    return {
      layer,
      notable: union(before?.notable, idsOf(present(true))),
      other: union(before?.other, idsOf(present(false))),
      hidden: union(before?.hidden, idsOf(all.flatMap(({ hidden }) => hidden))),
      opaque: union(
        before?.opaque,
        all.flatMap(({ opaque }) => opaque.map((path) => folders.get(path) as number)),
      ),
      folders: union(before?.folders, idsOf(all.flatMap((files) => files.folders))),
      hashed: before?.hashed === true || all.every(isHashed),
      merged: JSON.stringify([...(before?.merged ?? []), ...parts.map(({ hash }) => hash)]),
    };
  });
  await sql`
    insert into layer_files (layer, notable, other, hidden, opaque, folders, hashed, merged)
    select layer, notable::integer[], other::integer[], hidden::integer[], opaque::integer[], folders::integer[], hashed,
      array(select jsonb_array_elements_text(merged))
    from ${unnest(rows, {
      layer: 'integer',
      notable: 'text',
      other: 'text',
      hidden: 'text',
      opaque: 'text',
      folders: 'text',
      hashed: 'boolean',
      merged: 'jsonb',
    })} as wanted (layer, notable, other, hidden, opaque, folders, hashed, merged)
    order by layer
    on conflict (layer) do update set notable = excluded.notable, other = excluded.other, hidden = excluded.hidden, opaque = excluded.opaque,
      folders = excluded.folders, hashed = excluded.hashed, merged = excluded.merged`.execute(trx);
  await recordDigests(trx, fresh, paths);
}

interface Fresh {
  readonly layer: number;
  readonly hash: string;
  readonly files: LayerFiles;
}

const isHashed = ({ present }: LayerFiles): boolean => present.some(({ sha256 }) => sha256 !== undefined);

/** What of it the inventory does not have yet. */
function unsaid(
  said: ReadonlyMap<string, LayerFiles>,
  known: ReadonlyMap<number, Stored>,
  ids: ReadonlyMap<Digest, number>,
): readonly Fresh[] {
  return [...said].flatMap(([hash, files]) => {
    const layer = ids.get(files.diffId);
    return layer === undefined || known.get(layer)?.merged.includes(hash) === true ? [] : [{ layer, hash, files }];
  });
}

/** By the hash of what is said, each once. */
function distinct(layers: readonly LayerFiles[]): ReadonlyMap<string, LayerFiles> {
  return new Map(
    layers.map((files) => [createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 32), files]),
  );
}

async function storedFiles(trx: DatabaseTransaction, layers: readonly number[]): Promise<ReadonlyMap<number, Stored>> {
  if (layers.length === 0) return new Map();
  const { rows } = await sql<Stored>`
    select layer, notable, other, hidden, opaque, folders, hashed, merged from layer_files
    where layer = any(${layers}::integer[]) order by layer`.execute(trx);
  return new Map(rows.map((row) => [row.layer, row]));
}

function union(before: readonly number[] | undefined, added: readonly number[]): string {
  return arrayText([...new Set([...(before ?? []), ...added])].sort((a, b) => a - b));
}

async function recordDigests(
  trx: DatabaseTransaction,
  fresh: readonly Fresh[],
  paths: ReadonlyMap<string, number>,
): Promise<void> {
  const rows = fresh.flatMap(({ layer, files }) =>
    files.present.flatMap(({ path, sha256 }) =>
      sha256 === undefined ? [] : [{ digest: sha256, layer, path: paths.get(path) as number }],
    ),
  );
  if (rows.length === 0) return;
  await sql`
    insert into layer_file_digest (digest, layer, path)
    select decode(digest, 'hex'), layer, path
    from ${unnest(rows, { digest: 'text', layer: 'integer', path: 'integer' })} as wanted (digest, layer, path)
    order by 1, 2, 3
    on conflict do nothing`.execute(trx);
}

/** A shared library by the name it gives itself (DT_SONAME). */
export interface LibraryName {
  /** Without leading `/`. */
  readonly path: string;
  readonly soname: string;
}

/**
 * Keeps the SONAMEs of a layer's libraries, for `where --soname`. Once a layer; a layer without libraries is recorded
 * with none, so that it counts as read.
 */
export async function recordLibraryNames(
  trx: DatabaseTransaction,
  layer: Digest,
  libraries: readonly LibraryName[],
): Promise<void> {
  const row = await trx.selectFrom('layer').select('id').where('diff_id', '=', layer).executeTakeFirst();
  if (row === undefined) return;
  await sql`insert into layer_elf (layer) values (${row.id}) on conflict do nothing`.execute(trx);
  if (libraries.length === 0) return;
  const present = libraries.map(({ path }) => ({ path, sha256: undefined, notable: true }));
  await recordFiles(trx, [{ diffId: layer, present, hidden: [], opaque: [], folders: [] }], new Map([[layer, row.id]]));
  const paths = await ensurePaths(
    trx,
    libraries.map(({ path }) => path),
  );
  const rows = libraries.map(({ path, soname }) => ({ soname, path: paths.get(path) as number }));
  await sql`
    insert into layer_soname (soname, layer, path)
    select soname, ${row.id}::integer, path
    from ${unnest(rows, { soname: 'text', path: 'integer' })} as wanted (soname, path)
    order by 1, 3
    on conflict do nothing`.execute(trx);
}
