import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import { type EcosystemId, ecosystemOf, type InstalledPackage } from '../../distro/index.ts';
import { rankVersions } from './ranks.ts';

/** Set ids per array of package_version_sets: 2 KB of integers, what PostgreSQL keeps in the row. */
export const SETS_PER_CHUNK = 512;

/** Any number of ours: writers of new package versions take turns, so that ranks stay a total order. */
const NEW_VERSIONS_LOCK = 4_372_020;

type Package = Pick<InstalledPackage, 'name' | 'architecture' | 'version' | 'source'>;

/** Content address of a set of packages, whatever their order. */
export function packageSetDigest(ecosystem: EcosystemId, packages: readonly Package[]): string {
  const lines = packages.map((item) => `${ecosystem}/${item.name}/${item.architecture}/${item.version}\n`).sort();
  return `sha256:${createHash('sha256').update(lines.join('')).digest('hex')}`;
}

/** The id of the set with exactly these packages, made when there is none. */
export async function ensurePackageSet(
  trx: DatabaseTransaction,
  ecosystem: EcosystemId,
  packages: readonly Package[],
): Promise<number> {
  const digest = packageSetDigest(ecosystem, packages);
  const known = await findSet(trx, digest);
  if (known !== undefined) return known;
  await sql`select pg_advisory_xact_lock(${NEW_VERSIONS_LOCK})`.execute(trx);
  // Another writer may have made it while we waited.
  const made = await findSet(trx, digest);
  if (made !== undefined) return made;
  const versions = await ensureVersions(trx, ecosystem, packages);
  const { id } = await trx
    .insertInto('package_set')
    .values({ digest, versions: [...versions] })
    .returning('id')
    .executeTakeFirstOrThrow();
  await sql`
    insert into package_version_sets (package_version, chunk, sets)
    select version, ${Math.floor(id / SETS_PER_CHUNK)}::integer, array[${id}::integer]
    from unnest(${versions}::integer[]) version
    on conflict (package_version, chunk) do update set sets = package_version_sets.sets || excluded.sets`.execute(trx);
  return id;
}

async function findSet(trx: DatabaseTransaction, digest: string): Promise<number | undefined> {
  const row = await trx.selectFrom('package_set').select('id').where('digest', '=', digest).executeTakeFirst();
  return row?.id;
}

/** Ids of package_version, ascending, new ones ranked among the old. */
async function ensureVersions(
  trx: DatabaseTransaction,
  ecosystem: EcosystemId,
  packages: readonly Package[],
): Promise<readonly number[]> {
  const rows = packages.map((item) => ({
    name: item.name,
    architecture: item.architecture,
    version: item.version,
    source: item.source.name,
    source_version: item.source.version,
  }));
  await sql`
    insert into package (ecosystem, name, architecture)
    select distinct ${ecosystem}, name, architecture from ${unnest(rows, { name: 'text', architecture: 'text' })}
      as wanted (name, architecture)
    on conflict do nothing`.execute(trx);
  const added = await sql<{ package: number }>`
    insert into package_version (package, version, rank, source, source_version)
    select package.id, wanted.version, 0, min(wanted.source), min(wanted.source_version)
    from ${unnest(rows, { name: 'text', architecture: 'text', version: 'text', source: 'text', source_version: 'text' })}
      as wanted (name, architecture, version, source, source_version)
    join package on package.ecosystem = ${ecosystem} and package.name = wanted.name
      and package.architecture = wanted.architecture
    group by package.id, wanted.version
    on conflict do nothing returning package`.execute(trx);
  await rerank(trx, ecosystem, [...new Set(added.rows.map((row) => row.package))]);
  const ids = await sql<{ id: number }>`
    select distinct package_version.id
    from ${unnest(rows, { name: 'text', architecture: 'text', version: 'text' })} as wanted (name, architecture, version)
    join package on package.ecosystem = ${ecosystem} and package.name = wanted.name
      and package.architecture = wanted.architecture
    join package_version on package_version.package = package.id and package_version.version = wanted.version
    order by 1`.execute(trx);
  return ids.rows.map((row) => row.id);
}

/** Puts the new versions (rank 0) of these packages in their places. */
async function rerank(trx: DatabaseTransaction, ecosystem: EcosystemId, packages: readonly number[]): Promise<void> {
  if (packages.length === 0) return;
  const { compareVersions } = ecosystemOf(ecosystem);
  const { rows } = await sql<{ id: number; package: number; version: string; rank: number }>`
    select id, package, version, rank from package_version where package = any(${packages}::integer[])`.execute(trx);
  const moved: { id: number; rank: number }[] = [];
  for (const versions of Map.groupBy(rows, (row) => row.package).values()) {
    const ranked = rankVersions(
      versions.map((row) => row.version),
      compareVersions,
    );
    const ranks = new Map(ranked.map((entry) => [entry.version, entry.rank]));
    for (const row of versions) {
      const rank = ranks.get(row.version) ?? 0;
      if (rank !== row.rank) moved.push({ id: row.id, rank });
    }
  }
  await sql`
    update package_version set rank = moved.rank
    from ${unnest(moved, { id: 'integer', rank: 'integer' })} as moved (id, rank)
    where package_version.id = moved.id`.execute(trx);
}
