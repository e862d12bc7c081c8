import { sql } from 'kysely';
import { type DatabaseReader, type DatabaseTransaction, unnest } from '../../../database/index.ts';

/** Paths looked up by one statement. */
const BATCH = 20_000;

/** file_folder.id by path, made where there is none. */
export async function ensureFolders(
  trx: DatabaseTransaction,
  folders: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  // One order for every writer, so that two of them never wait for each other.
  const wanted = [...new Set(folders)].sort();
  const ids = new Map<string, number>();
  for (let at = 0; at < wanted.length; at += BATCH) {
    const batch = wanted.slice(at, at + BATCH);
    for (const [path, id] of await findFolders(trx, batch)) ids.set(path, id);
    const missing = batch.filter((path) => !ids.has(path));
    if (missing.length === 0) continue;
    await sql`
      insert into file_folder (path) select unnest(${missing}::text[]) on conflict do nothing`.execute(trx);
    for (const [path, id] of await findFolders(trx, missing)) ids.set(path, id);
  }
  return ids;
}

export async function findFolders(
  reader: DatabaseReader,
  folders: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ id: number; path: string }>`
    select id, path from file_folder where path = any(${folders}::text[])`.execute(reader);
  return new Map(rows.map((row) => [row.path, row.id]));
}

interface Place {
  readonly path: string;
  readonly folder: number;
  readonly name: string;
}

/** file_path.id by path, made where there is none. */
export async function ensurePaths(
  trx: DatabaseTransaction,
  paths: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const split = [...new Set(paths)].sort().map((path) => ({ path, ...splitPath(path) }));
  const folders = await ensureFolders(
    trx,
    split.map(({ folder }) => folder),
  );
  const places = split.map(({ path, folder, name }) => ({ path, folder: folders.get(folder) as number, name }));
  const ids = new Map<string, number>();
  for (let at = 0; at < places.length; at += BATCH) {
    const batch = places.slice(at, at + BATCH);
    for (const [path, id] of await findPlaces(trx, batch)) ids.set(path, id);
    const missing = batch.filter(({ path }) => !ids.has(path));
    if (missing.length === 0) continue;
    await sql`
      insert into file_path (folder, name)
      select * from ${unnest(missing, { folder: 'integer', name: 'text' })} on conflict do nothing`.execute(trx);
    for (const [path, id] of await findPlaces(trx, missing)) ids.set(path, id);
  }
  return ids;
}

/** file_path.id of those paths that are known. */
export async function findPaths(
  reader: DatabaseReader,
  paths: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const split = paths.map((path) => ({ path, ...splitPath(path) }));
  const folders = await findFolders(
    reader,
    split.map(({ folder }) => folder),
  );
  return findPlaces(
    reader,
    split.flatMap(({ path, folder, name }) => {
      const id = folders.get(folder);
      return id === undefined ? [] : [{ path, folder: id, name }];
    }),
  );
}

async function findPlaces(reader: DatabaseReader, places: readonly Place[]): Promise<ReadonlyMap<string, number>> {
  if (places.length === 0) return new Map();
  const { rows } = await sql<{ id: number; place: number }>`
    select file_path.id, wanted.place
    from ${unnest(places, { folder: 'integer', name: 'text' })} with ordinality as wanted (folder, name, place)
    join file_path on file_path.name = wanted.name and file_path.folder = wanted.folder`.execute(reader);
  return new Map(rows.map((row) => [(places[Number(row.place) - 1] as Place).path, row.id]));
}

export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/');
  return { folder: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}
