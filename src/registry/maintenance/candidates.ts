import { type RawBuilder, sql } from 'kysely';
import { type Database, type DatabaseReader, unnest } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { StoredBlob } from '../../storage/index.ts';
import type { NeededImages } from './needed.ts';

/** Number and bytes of some blobs. */
export interface Amount {
  readonly blobs: number;
  readonly bytes: number;
}

export const NONE: Amount = { blobs: 0, bytes: 0 };

export const plus = (a: Amount, b: Amount): Amount => ({ blobs: a.blobs + b.blobs, bytes: a.bytes + b.bytes });

/** Manifests marked by one statement: short enough for the embedded database, which does nothing else meanwhile. */
const MARK_PAGE = 500;
const PAGE = 2_000;

/** Times of one collection, fixed when it begins. */
export interface Cutoffs {
  /** Links touched since then stay: timestamptz of the database's own clock. */
  readonly links: string;
  /** Manifests pushed since then are looked at again before anything is deleted. */
  readonly pushed: string;
}

/** Rows that earlier collections left when they were killed. */
export async function dropAbandoned(database: Database, before: string): Promise<void> {
  await database.kysely.deleteFrom('registry_candidate').where('run', '<', before).execute();
}

export async function addCandidates(database: Database, run: string, blobs: readonly StoredBlob[]): Promise<void> {
  const rows = blobs.map(({ digest, size }) => ({ run, digest, size }));
  await sql`insert into registry_candidate (run, digest, size)
    select * from ${unnest(rows, { run: 'text', digest: 'text', size: 'bigint' })} on conflict do nothing`.execute(
    database.kysely,
  );
}

/** Takes out what manifests name and what is a manifest, page by page. */
export async function markManifests(
  database: Database,
  run: string,
  page: (done: number) => void,
): Promise<{ readonly named: Amount; readonly manifests: Amount; readonly read: number }> {
  let [named, manifests] = [NONE, NONE];
  let at = { repository: -1, digest: '' };
  for (let read = 0; ; ) {
    const { rows } = await sql<MarkRow>`
      with page as (
        select repository, digest, names from registry_manifest
        where (repository, digest) > (${at.repository}, ${at.digest}) order by repository, digest limit ${MARK_PAGE}
      ), marked as (
        select digest, bool_or(own) as own from (
          select digest, true as own from page union all select unnest(names), false from page
        ) each group by digest
      ), gone as (
        delete from registry_candidate c using marked n
        where c.run = ${run} and c.digest = n.digest returning c.size, n.own
      )
      select last.repository, last.digest, (select count(*) from page)::integer as rows,
        count(gone.size) filter (where not own)::integer as named,
        coalesce(sum(gone.size) filter (where not own), 0)::bigint as named_bytes,
        count(gone.size) filter (where own)::integer as manifests,
        coalesce(sum(gone.size) filter (where own), 0)::bigint as manifest_bytes
      from (select repository, digest from page order by repository desc, digest desc limit 1) last
      left join gone on true group by last.repository, last.digest`.execute(database.kysely);
    const row = rows[0];
    if (row === undefined) return { named, manifests, read };
    at = row;
    read += row.rows;
    named = plus(named, { blobs: row.named, bytes: row.named_bytes });
    manifests = plus(manifests, { blobs: row.manifests, bytes: row.manifest_bytes });
    page(read);
  }
}

interface MarkRow {
  readonly repository: number;
  readonly digest: string;
  readonly rows: number;
  readonly named: number;
  readonly named_bytes: number;
  readonly manifests: number;
  readonly manifest_bytes: number;
}

/** Takes out those of which `stays` (an SQL condition on `c`) holds. */
export async function keepWhere(database: Database, run: string, stays: RawBuilder<unknown>): Promise<Amount> {
  const { rows } = await sql<Amount>`with gone as (
      delete from registry_candidate c where c.run = ${run} and (${stays}) returning c.size
    ) select count(*)::integer as blobs, coalesce(sum(size), 0)::bigint as bytes from gone`.execute(database.kysely);
  return rows[0] ?? NONE;
}

export const isAmong = (digests: readonly Digest[]): RawBuilder<unknown> =>
  sql`c.digest = any(${sql.val([...digests])}::text[])`;

/** A client was told that a repository has it, or brought it there, and may be about to name it. */
export const isInUse = ({ links }: Cutoffs): RawBuilder<unknown> => sql`exists (
  select from registry_blob b where b.digest = c.digest and b.touched >= ${links}::timestamptz)`;

/** What manifests of its repository name is not known: they cannot be read. */
export const isUncertain: RawBuilder<unknown> = sql`c.digest in (
  select b.digest from registry_blob b where b.repository in (
    select repository from registry_manifest where names is null))`;

export const isNeeded = (needed: NeededImages): RawBuilder<unknown> => sql`c.digest in (
  select n.digest from (${needed}) n where n.digest is not null)`;

/** Became named after the mark went by. */
const isNamedSince = ({ pushed }: Cutoffs): RawBuilder<unknown> => sql`c.digest in (
    select unnest(names) from registry_manifest where pushed >= ${pushed}::timestamptz)
  or exists (select from registry_manifest m where m.digest = c.digest)`;

/** Those of `digests` that still nothing needs; run where nobody can publish. */
export async function stillUnused(
  reader: DatabaseReader,
  run: string,
  digests: readonly Digest[],
  cutoffs: Cutoffs,
  needed: NeededImages,
): Promise<readonly Digest[]> {
  const { rows } = await sql<{ digest: Digest }>`select c.digest from registry_candidate c
    where c.run = ${run} and ${isAmong(digests)} and not (${isNamedSince(cutoffs)})
      and not (${isInUse(cutoffs)}) and not (${isUncertain}) and not (${isNeeded(needed)})
    order by c.digest`.execute(reader);
  return rows.map(({ digest }) => digest);
}

/** What is left, in pages, by digest. */
export async function* candidatesLeft(
  database: Database,
  run: string,
  page = PAGE,
): AsyncGenerator<readonly StoredBlob[]> {
  for (let after = ''; ; ) {
    const { rows } = await sql<StoredBlob>`select digest, size from registry_candidate
      where run = ${run} and digest > ${after} order by digest limit ${page}`.execute(database.kysely);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.digest;
    yield rows;
  }
}
