import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { RENEW_AFTER } from '../../storage/index.ts';
import type { CatalogueEntry, Published, PublishOptions } from './catalogue.ts';
import { tagMoved } from './tag-moved.ts';

/**
 * Writes entries with six statements, however many there are. Rows go in sorted, so that two publishers that overlap
 * wait for each other instead of deadlocking.
 */
export async function publishEntries(
  entries: readonly CatalogueEntry[],
  trx: DatabaseTransaction,
  renewAfter?: number,
  when?: PublishOptions['when'],
): Promise<readonly Published[]> {
  const ids = await repositoryIds(
    entries.map((entry) => entry.repository),
    trx,
  );
  const idOf = (entry: CatalogueEntry): number => ids.get(entry.repository) as number;
  const tags = tagRows(entries, idOf);
  const previous = await previousDigests(tags, trx);
  const published = entries.map((entry) => ({
    repository: entry.repository,
    tag: entry.tag,
    digest: entry.descriptor.digest,
    previous: entry.tag === undefined ? undefined : previous.get(`${idOf(entry)}:${entry.tag}`),
  }));
  const refused = published.find((one) => one.tag !== undefined && when?.(one.previous) === false);
  if (refused !== undefined) throw tagMoved(refused);
  await insertManifests(entries, idOf, trx);
  await insertBlobs(entries, idOf, trx, renewAfter);
  const key = ({ repository, name }: TagRow): string => `${repository}:${name}`;
  // Under a condition a tag that was new must still be: rows that exist are locked, those that do not cannot be.
  const fresh = when === undefined ? [] : tags.filter((tag) => !previous.has(key(tag)));
  await moveTags(when === undefined ? tags : tags.filter((tag) => previous.has(key(tag))), trx);
  const lost = await addTags(fresh, trx);
  if (lost !== undefined) {
    throw tagMoved(published.find(({ tag }) => tag === lost.name) as Published);
  }
  return published;
}

async function moveTags(tags: readonly TagRow[], trx: DatabaseTransaction): Promise<void> {
  if (tags.length === 0) return;
  await sql`insert into registry_tag (repository, name, digest)
    select * from ${unnest(tags, { repository: 'integer', name: 'text', digest: 'text' })}
    on conflict (repository, name) do update set digest = excluded.digest, updated = now()`.execute(trx);
}

/** Tags that must be new; returns one that somebody else has added meanwhile. */
async function addTags(tags: readonly TagRow[], trx: DatabaseTransaction): Promise<TagRow | undefined> {
  if (tags.length === 0) return undefined;
  const { rows } = await sql<{ name: string }>`insert into registry_tag (repository, name, digest)
    select * from ${unnest(tags, { repository: 'integer', name: 'text', digest: 'text' })}
    on conflict (repository, name) do nothing returning name`.execute(trx);
  return tags.find(({ name }) => !rows.some((row) => row.name === name));
}

/** A link touched before this is touched again by whoever counts on it. */
export const staleSince = (renewAfter = RENEW_AFTER) => sql`now() - ${`${renewAfter} milliseconds`}::interval`;

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

interface TagRow {
  readonly repository: number;
  readonly name: string;
  readonly digest: Digest;
}

/** One row a tag (the later entry wins), sorted. */
function tagRows(entries: readonly CatalogueEntry[], idOf: (entry: CatalogueEntry) => number): readonly TagRow[] {
  const rows = new Map<string, TagRow>();
  for (const entry of entries) {
    if (entry.tag === undefined) continue;
    const row = { repository: idOf(entry), name: entry.tag, digest: entry.descriptor.digest };
    rows.set(`${row.repository}:${row.name}`, row);
  }
  return sorted(rows);
}

async function previousDigests(
  tags: readonly TagRow[],
  trx: DatabaseTransaction,
): Promise<ReadonlyMap<string, Digest>> {
  if (tags.length === 0) return new Map();
  const { rows } = await sql<TagRow>`
    select t.repository, t.name, t.digest from registry_tag t
    where (t.repository, t.name) in (select * from ${unnest(tags, { repository: 'integer', name: 'text' })})
    order by t.repository, t.name for update`.execute(trx);
  return new Map(rows.map((row) => [`${row.repository}:${row.name}`, row.digest]));
}

async function insertManifests(
  entries: readonly CatalogueEntry[],
  idOf: (entry: CatalogueEntry) => number,
  trx: DatabaseTransaction,
): Promise<void> {
  const rows = new Map(
    entries.map((entry) => {
      const { descriptor, subject } = entry;
      const row = {
        repository: idOf(entry),
        digest: descriptor.digest,
        media_type: descriptor.mediaType,
        size: descriptor.size,
        subject: subject ?? null,
        artifact_type: descriptor.artifactType ?? null,
        annotations: descriptor.annotations === undefined ? null : JSON.stringify(descriptor.annotations),
        names: namesOf(entry),
      };
      return [`${row.repository}:${row.digest}`, row] as const;
    }),
  );
  // `do update` rather than `do nothing`: it locks the row against a deletion that runs at the same time.
  await sql`insert into registry_manifest
      (repository, digest, media_type, size, subject, artifact_type, annotations, names)
    select repository, digest, media_type, size, subject, artifact_type, annotations, names::text[]
    from ${unnest(sorted(rows), {
      repository: 'integer',
      digest: 'text',
      media_type: 'text',
      size: 'bigint',
      subject: 'text',
      artifact_type: 'text',
      annotations: 'text',
      names: 'text',
    })} as row (repository, digest, media_type, size, subject, artifact_type, annotations, names)
    on conflict (repository, digest) do update
      set pushed = now(), names = coalesce(registry_manifest.names, excluded.names)`.execute(trx);
}

/** A PostgreSQL array literal: digests need no quoting. */
function namesOf({ names, subject }: CatalogueEntry): string | null {
  if (names === undefined) return null;
  const all = new Set(names.map(({ digest }) => digest));
  if (subject !== undefined) all.add(subject);
  return `{${[...all].join()}}`;
}

async function insertBlobs(
  entries: readonly CatalogueEntry[],
  idOf: (entry: CatalogueEntry) => number,
  trx: DatabaseTransaction,
  renewAfter: number | undefined,
): Promise<void> {
  const rows = new Map<string, { repository: number; digest: Digest; size: number | null }>();
  for (const entry of entries) {
    const repository = idOf(entry);
    const sizes = new Map(entry.names?.map(({ digest, size }) => [digest, size]));
    for (const digest of entry.blobs) {
      rows.set(`${repository}:${digest}`, { repository, digest, size: sizes.get(digest) ?? null });
    }
  }
  if (rows.size === 0) return;
  await sql`insert into registry_blob (repository, digest, size)
    select * from ${unnest(sorted(rows), { repository: 'integer', digest: 'text', size: 'bigint' })}
    on conflict (repository, digest) do update
      set touched = now(), size = coalesce(registry_blob.size, excluded.size)
      where registry_blob.touched < ${staleSince(renewAfter)} or registry_blob.size is null`.execute(trx);
}

function sorted<Row>(rows: ReadonlyMap<string, Row>): readonly Row[] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
