import { type RawBuilder, sql } from 'kysely';
import { type DatabaseTransaction, plannedOnce } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { CatalogueEntry, Published, PublishOptions } from './catalogue.ts';
import { blobsInto, manifestsInto, type TagRow, tagKey, tagRows, tagsBefore, tagsInto } from './publish-rows.ts';
import { tagMoved } from './tag-moved.ts';

/**
 * Writes entries with one statement, however many there are; with a few where tags move under a condition.
 * @throws REGISTRY_PRECONDITION_FAILED
 */
export async function publishEntries(
  entries: readonly CatalogueEntry[],
  trx: DatabaseTransaction,
  renewAfter?: number,
  when?: PublishOptions['when'],
): Promise<readonly Published[]> {
  const tags = tagRows(entries);
  if (when === undefined) {
    const previous = await publishAtOnce(entries, tags, trx, renewAfter);
    if (previous !== undefined) return publishedOf(entries, previous);
  }
  await repositoryIds(
    entries.map((entry) => entry.repository),
    trx,
  );
  const known = sql.table('registry_repository');
  const { rows } = await (tagsBefore(tags, known) as RawBuilder<Before>).execute(trx);
  const previous = previousOf(rows);
  const published = publishedOf(entries, previous);
  const refused = published.find((one) => one.tag !== undefined && when?.(one.previous) === false);
  if (refused !== undefined) throw tagMoved(refused);
  await manifestsInto(entries, known).execute(trx);
  await blobsInto(entries, known, renewAfter).execute(trx);
  // Under a condition a tag that was new must still be: rows that exist are locked, those that do not cannot be.
  const isNew = (tag: TagRow): boolean => when !== undefined && !previous.has(tagKey(tag));
  await tagsInto(
    tags.filter((tag) => !isNew(tag)),
    known,
    true,
  ).execute(trx);
  const fresh = tags.filter(isNew);
  const added =
    fresh.length === 0 ? [] : (await (tagsInto(fresh, known, false) as RawBuilder<TagRow>).execute(trx)).rows;
  const lost = fresh.find(({ name }) => !added.some((row) => row.name === name));
  if (lost !== undefined) throw tagMoved(published.find(({ tag }) => tag === lost.name) as Published);
  return published;
}

interface Before {
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

/**
 * What tags named before, by `tagKey`; undefined, and nothing is written, where another publisher makes one of the
 * repositories at this moment.
 * The parts of the statement see what was there before it, so each takes repositories from `known`; what writes and is
 * not read from runs after `before` has been read.
 * @see https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING
 */
async function publishAtOnce(
  entries: readonly CatalogueEntry[],
  tags: readonly TagRow[],
  trx: DatabaseTransaction,
  renewAfter: number | undefined,
): Promise<ReadonlyMap<string, Digest> | undefined> {
  const names = [...new Set(entries.map(({ repository }) => repository))].sort();
  const known = sql.table('known');
  const { rows } = await sql<Before>`${plannedOnce}
    with shared as materialized (select pg_advisory_xact_lock_shared(${COLLECT_LOCK})),
    made as (
      insert into registry_repository (name)
      select wanted.name from shared, unnest(${sql.val(names)}::text[]) as wanted (name)
      where not exists (select from registry_repository r where r.name = wanted.name)
      order by wanted.name on conflict do nothing returning id, name
    ),
    seen as materialized (
      select r.id, r.name from shared, registry_repository r where r.name = any(${sql.val(names)}::text[])
      union all select id, name from made
    ),
    known as materialized (select id, name from seen where (select count(*) from seen) = ${names.length}),
    before as materialized (${tagsBefore(tags, known)}),
    manifests as (${manifestsInto(entries, known)}),
    blobs as (${blobsInto(entries, known, renewAfter)}),
    tags as (${tagsInto(tags, known, true)})
    select known.name as repository, before.tag, before.digest
    from known left join before on before.repository = known.name`.execute(trx);
  return rows.length === 0 ? undefined : previousOf(rows);
}

const previousOf = (rows: readonly Before[]): ReadonlyMap<string, Digest> =>
  new Map(
    rows.flatMap(({ repository, tag, digest }) =>
      tag === null || digest === null ? [] : [[tagKey({ repository, name: tag }), digest] as const],
    ),
  );

const publishedOf = (entries: readonly CatalogueEntry[], previous: ReadonlyMap<string, Digest>): readonly Published[] =>
  entries.map(({ repository, tag, descriptor }) => ({
    repository,
    tag,
    digest: descriptor.digest,
    previous: tag === undefined ? undefined : previous.get(tagKey({ repository, name: tag })),
  }));

/** Shared by publishers, alone to the collector that deletes blobs: none publishes between its last look and that. */
export const COLLECT_LOCK = 4_372_040;

/** Ids by name; repositories that are new are made. */
export async function repositoryIds(
  repositories: readonly string[],
  trx: DatabaseTransaction,
): Promise<ReadonlyMap<string, number>> {
  const names = [...new Set(repositories)].sort();
  const found = await idsOf(names, trx);
  if (found.size === names.length) return found;
  // `where not exists`: an insert that only conflicts would use up an id each time.
  await sql`insert into registry_repository (name)
    select wanted.name from unnest(${sql.val(names)}::text[]) as wanted (name)
    where not exists (select from registry_repository r where r.name = wanted.name)
    on conflict do nothing`.execute(trx);
  return idsOf(names, trx);
}

async function idsOf(names: readonly string[], trx: DatabaseTransaction): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ id: number; name: string }>`
    select id, name from registry_repository, (select pg_advisory_xact_lock_shared(${COLLECT_LOCK})) as shared
    where name = any(${sql.val(names)}::text[])`.execute(trx);
  return new Map(rows.map(({ id, name }) => [name, id]));
}
