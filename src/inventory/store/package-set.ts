import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import { ensureVersions } from './package-version.ts';
import { arrayText, packageKey, type StoredPackage } from './stored-package.ts';

/** Set ids per array of package_version_sets: 2 KB of integers, what PostgreSQL keeps in the row. */
export const SETS_PER_CHUNK = 512;

/** Any number of ours: writers of new package versions take turns, so that ranks stay a total order. */
const NEW_VERSIONS_LOCK = 4_372_020;

/** Content address of a set of packages, whatever their order. */
export function packageSetDigest(keys: readonly string[]): string {
  return `sha256:${createHash('sha256').update(keys.toSorted().join('')).digest('hex')}`;
}

export interface EnsuredSets {
  /** package_set.id, in the order asked for. */
  readonly ids: readonly number[];
  /** The members (package_version.id) of those that were new, by id. */
  readonly made: ReadonlyMap<number, readonly number[]>;
}

/**
 * The sets with exactly these packages, made where there is none. Many at once cost little more than one: a version's
 * list of sets is written once a call.
 */
export async function ensurePackageSets(
  trx: DatabaseTransaction,
  sets: readonly (readonly StoredPackage[])[],
): Promise<EnsuredSets> {
  const keyed = sets.map((packages) => {
    const keys = packages.map(packageKey);
    return { packages, keys, digest: packageSetDigest(keys) };
  });
  const wanted = new Map(keyed.map((set) => [set.digest, set]));
  const ids = await findSets(trx, [...wanted.keys()]);
  const made = new Map<number, readonly number[]>();
  if (ids.size < wanted.size) {
    await sql`select pg_advisory_xact_lock(${NEW_VERSIONS_LOCK})`.execute(trx);
    const unknown = [...wanted.keys()].filter((digest) => !ids.has(digest));
    // Another writer may have made some while we waited.
    for (const [digest, id] of await findSets(trx, unknown)) ids.set(digest, id);
    const missing = unknown.flatMap((digest) => (ids.has(digest) ? [] : (wanted.get(digest) ?? [])));
    for (const { id, digest, versions } of await makeSets(trx, missing)) {
      ids.set(digest, id);
      made.set(id, versions);
    }
  }
  return { ids: keyed.map(({ digest }) => ids.get(digest) as number), made };
}

interface KeyedSet {
  readonly packages: readonly StoredPackage[];
  readonly keys: readonly string[];
  readonly digest: string;
}

async function findSets(trx: DatabaseTransaction, digests: readonly string[]): Promise<Map<string, number>> {
  if (digests.length === 0) return new Map();
  const { rows } = await sql<{ id: number; digest: string }>`
    select id, digest from package_set where digest = any(${digests}::text[])`.execute(trx);
  return new Map(rows.map((row) => [row.digest, row.id]));
}

interface MadeSet {
  readonly id: number;
  readonly digest: string;
  readonly versions: readonly number[];
}

async function makeSets(trx: DatabaseTransaction, sets: readonly KeyedSet[]): Promise<readonly MadeSet[]> {
  if (sets.length === 0) return [];
  const packages = new Map<string, StoredPackage>();
  for (const set of sets) {
    for (const [at, item] of set.packages.entries()) {
      const key = set.keys[at] as string;
      if (!packages.has(key)) packages.set(key, item);
    }
  }
  const versions = await ensureVersions(trx, packages);
  const members = new Map(
    sets.map((set) => {
      const distinct = new Set(set.keys.map((key) => versions.get(key) as number));
      return [set.digest, [...distinct].sort((a, b) => a - b)];
    }),
  );
  const rows = [...members].map(([digest, ids]) => ({ digest, versions: arrayText(ids) }));
  const { rows: inserted } = await sql<{ id: number; digest: string }>`
    insert into package_set (digest, versions)
    select digest, versions::integer[] from ${unnest(rows, { digest: 'text', versions: 'text' })}
      as wanted (digest, versions)
    returning id, digest`.execute(trx);
  const made = inserted.map(({ id, digest }) => ({ id, digest, versions: members.get(digest) ?? [] }));
  await listSets(trx, made);
  return made;
}

/** Adds sets to the lists of the versions they hold: the last array of each is filled, then the next one begun. */
async function listSets(trx: DatabaseTransaction, sets: readonly MadeSet[]): Promise<void> {
  const lists = new Map<number, number[]>();
  for (const { id, versions } of sets.toSorted((a, b) => a.id - b.id)) {
    for (const version of versions) {
      const list = lists.get(version);
      if (list === undefined) lists.set(version, [id]);
      else list.push(id);
    }
  }
  const { rows: last } = await sql<{ version: number; chunk: number; size: number }>`
    select version, last.chunk, last.size from unnest(${[...lists.keys()]}::integer[]) as version
    cross join lateral (
      select chunk, cardinality(sets) as size from package_version_sets
      where package_version = version order by chunk desc limit 1) last`.execute(trx);
  const lastOf = new Map(last.map((row) => [row.version, row]));
  const rows = [...lists].flatMap(([version, ids]) => {
    const open = lastOf.get(version);
    const room = open === undefined ? 0 : Math.max(0, SETS_PER_CHUNK - open.size);
    const pieces = open === undefined || room === 0 ? [] : [{ version, chunk: open.chunk, ids: ids.slice(0, room) }];
    for (let at = room; at < ids.length; at += SETS_PER_CHUNK) {
      pieces.push({ version, chunk: ids[at] as number, ids: ids.slice(at, at + SETS_PER_CHUNK) });
    }
    return pieces.map((piece) => ({ version, chunk: piece.chunk, sets: arrayText(piece.ids) }));
  });
  await sql`
    insert into package_version_sets (package_version, chunk, sets)
    select version, chunk, sets::integer[]
    from ${unnest(rows, { version: 'integer', chunk: 'integer', sets: 'text' })} as wanted (version, chunk, sets)
    order by version, chunk
    on conflict (package_version, chunk) do update set sets = package_version_sets.sets || excluded.sets`.execute(trx);
}
