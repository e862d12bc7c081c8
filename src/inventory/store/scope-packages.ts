import { sql } from 'kysely';
import type { DatabaseReader, DatabaseTransaction } from '../../database/index.ts';
import type { EcosystemId, SourcePackage } from '../../distro/index.ts';
import type { PackageRef } from '../types.ts';

/** An installed package version as the update check needs it. */
export interface ScopePackage extends PackageRef {
  readonly source: SourcePackage;
  readonly ecosystem: EcosystemId;
  /** rpm: stream of a module. */
  readonly module?: string;
}

/** Scopes with images, and the distribution each belongs to. '' is the scope of images nothing is known about. */
export async function listScopes(
  reader: DatabaseReader,
): Promise<readonly { readonly scope: string; readonly distribution: string; readonly architecture: string }[]> {
  return reader
    .selectFrom('image')
    .select(['scope', 'distribution', 'architecture'])
    .distinct()
    .orderBy('scope')
    .execute();
}

/**
 * Notes which package versions the images of a scope have; call it for each set that an image of the scope uses.
 * @param known members of some of the sets, which then need not be read
 */
export async function addScopePackages(
  trx: DatabaseTransaction,
  scope: string,
  sets: readonly number[],
  known: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  const versions = new Set(sets.flatMap((set) => known.get(set) ?? []));
  const unread = sets.filter((set) => !known.has(set));
  await sql`
    insert into scope_package (scope, package_version)
    select ${scope}, wanted.version from (
      select unnest(${[...versions]}::integer[]) as version
      union
      select unnest(versions) from package_set where id = any(${unread}::integer[])
    ) wanted
    where not exists (select from scope_package known where known.scope = ${scope}
      and known.package_version = wanted.version)
    order by wanted.version
    on conflict do nothing`.execute(trx);
}

/** Every distinct package version that an image of the scope has: what to check when a repository changed. */
export async function packagesOfScope(reader: DatabaseReader, scope: string): Promise<readonly ScopePackage[]> {
  const { rows } = await sql<{
    ecosystem: EcosystemId;
    name: string;
    architecture: string;
    version: string;
    source: string;
    source_version: string;
    module: string | null;
  }>`
    select package.ecosystem, package.name, package.architecture, package_version.version, package_version.source,
      package_version.source_version, package_version.module
    from package_version join package on package.id = package_version.package
    where package_version.id in (select package_version from scope_package where scope = ${scope})
    order by package.name, package.architecture, package_version.rank, package_version.version`.execute(reader);
  return rows.map(({ source, source_version, ecosystem, module, ...ref }) => ({
    ...ref,
    ...(module === null ? {} : { module }),
    ecosystem: ecosystem as EcosystemId,
    source: { name: source, version: source_version },
  }));
}

/** What an image has, by name. Undefined for a digest that is not in the inventory. */
export async function packagesOfImage(
  reader: DatabaseReader,
  digest: string,
): Promise<readonly ScopePackage[] | undefined> {
  const image = await reader
    .selectFrom('image')
    .innerJoin('package_set', 'package_set.id', 'image.package_set')
    .select('package_set.versions')
    .where('image.digest', '=', digest)
    .executeTakeFirst();
  if (image === undefined) return undefined;
  const rows = await reader
    .selectFrom('package_version')
    .innerJoin('package', 'package.id', 'package_version.package')
    .select(['ecosystem', 'name', 'architecture', 'version', 'source', 'source_version', 'module'])
    .where(sql<boolean>`package_version.id = any(${image.versions}::integer[])`)
    .orderBy('name')
    .orderBy('architecture')
    .execute();
  return rows.map(({ source, source_version, ecosystem, module, ...ref }) => ({
    ...ref,
    ...(module === null ? {} : { module }),
    ecosystem: ecosystem as EcosystemId,
    source: { name: source, version: source_version },
  }));
}
