import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import { versionOrder } from './ecosystem.ts';
import { placeVersions } from './ranks.ts';
import type { StoredPackage } from './stored-package.ts';

/**
 * package_version.id by the key that was given; new ones are ranked among the old. The caller holds the lock of new
 * versions.
 */
export async function ensureVersions(
  trx: DatabaseTransaction,
  packages: ReadonlyMap<string, StoredPackage>,
): Promise<ReadonlyMap<string, number>> {
  const rows = [...packages].map(([key, item]) => ({
    key,
    ecosystem: item.ecosystem,
    name: item.name,
    architecture: item.architecture,
    version: item.version,
    source: item.source.name,
    source_version: item.source.version,
    module: item.module,
  }));
  const ids = await findVersions(trx, rows);
  const missing = rows.filter((row) => !ids.has(row.key));
  if (missing.length === 0) return ids;
  await sql`
    insert into package (ecosystem, name, architecture)
    select distinct ecosystem, name, architecture
    from ${unnest(missing, { ecosystem: 'text', name: 'text', architecture: 'text' })}
      as wanted (ecosystem, name, architecture)
    on conflict do nothing`.execute(trx);
  for (const [key, id] of await insertRanked(trx, missing)) ids.set(key, id);
  return ids;
}

interface Wanted {
  readonly key: string;
  readonly ecosystem: string;
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
}

/** package_version.id by key, of those that are known. */
export async function findVersions(trx: DatabaseTransaction, wanted: readonly Wanted[]): Promise<Map<string, number>> {
  if (wanted.length === 0) return new Map();
  const columns = { ecosystem: 'text', name: 'text', architecture: 'text', version: 'text' } as const;
  const { rows } = await sql<{ id: number; place: number }>`
    select package_version.id, wanted.place
    from ${unnest(wanted, columns)} with ordinality as wanted (ecosystem, name, architecture, version, place)
    join package on package.ecosystem = wanted.ecosystem and package.name = wanted.name
      and package.architecture = wanted.architecture
    join package_version on package_version.package = package.id
      and package_version.version = wanted.version`.execute(trx);
  return new Map(rows.map((row) => [(wanted[Number(row.place) - 1] as Wanted).key, row.id]));
}

interface NewVersion extends Wanted {
  readonly source: string;
  readonly source_version: string;
  readonly module: string | undefined;
}

/** Puts new versions in their places among the old ones of their packages. package_version.id by key. */
async function insertRanked(
  trx: DatabaseTransaction,
  added: readonly NewVersion[],
): Promise<ReadonlyMap<string, number>> {
  const { rows: packages } = await sql<{ id: number; ecosystem: string; name: string; architecture: string }>`
    select package.id, package.ecosystem, package.name, package.architecture
    from ${unnest(added, { ecosystem: 'text', name: 'text', architecture: 'text' })}
      as wanted (ecosystem, name, architecture)
    join package on package.ecosystem = wanted.ecosystem and package.name = wanted.name
      and package.architecture = wanted.architecture
    group by package.id`.execute(trx);
  const { rows: old } = await sql<{ id: number; package: number; version: string; rank: number }>`
    select id, package, version, rank from package_version
    where package = any(${packages.map(({ id }) => id)}::integer[])`.execute(trx);
  const oldOf = Map.groupBy(old, (row) => row.package);
  const addedOf = Map.groupBy(added, packageOf);
  const keys = new Map<string, string>();
  const moved: { id: number; rank: number }[] = [];
  const inserted: (Omit<NewVersion, keyof Wanted> & { package: number; version: string; rank: number })[] = [];
  for (const item of packages) {
    const before = oldOf.get(item.id) ?? [];
    const fresh = addedOf.get(packageOf(item)) ?? [];
    const places = placeVersions(
      before,
      fresh.map((row) => row.version),
      versionOrder(item.ecosystem),
    );
    for (const row of before) {
      const rank = places.moved.get(row.version);
      if (rank !== undefined) moved.push({ id: row.id, rank });
    }
    for (const { key, version, source, source_version, module } of fresh) {
      const rank = places.added.get(version) as number;
      keys.set(`${item.id} ${version}`, key);
      inserted.push({ package: item.id, version, rank, source, source_version, module });
    }
  }
  if (moved.length > 0) {
    await sql`
      update package_version set rank = moved.rank
      from ${unnest(moved, { id: 'integer', rank: 'integer' })} as moved (id, rank)
      where package_version.id = moved.id`.execute(trx);
  }
  const { rows: made } = await sql<{ id: number; package: number; version: string }>`
    insert into package_version (package, version, rank, source, source_version, module)
    select * from ${unnest(inserted, {
      package: 'integer',
      version: 'text',
      rank: 'integer',
      source: 'text',
      source_version: 'text',
      module: 'text',
    })}
    returning id, package, version`.execute(trx);
  return new Map(made.map((row) => [keys.get(`${row.package} ${row.version}`) as string, row.id]));
}

function packageOf(item: { readonly ecosystem: string; readonly name: string; readonly architecture: string }): string {
  return `${item.ecosystem}\n${item.name}\n${item.architecture}`;
}
