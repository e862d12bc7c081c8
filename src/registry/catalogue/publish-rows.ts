import { type RawBuilder, sql } from 'kysely';
import { unnest } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { RENEW_AFTER } from '../../storage/index.ts';
import type { CatalogueEntry } from './catalogue.ts';

/** A tag by the name of its repository. */
export interface TagRow {
  readonly repository: string;
  readonly name: string;
  readonly digest: Digest;
}

/** A link touched before this is touched again by whoever counts on it. */
export const staleSince = (renewAfter = RENEW_AFTER) => sql`now() - ${`${renewAfter} milliseconds`}::interval`;

export const tagKey = ({ repository, name }: Pick<TagRow, 'repository' | 'name'>): string => `${repository}:${name}`;

/** One row a tag (the later entry wins). */
export function tagRows(entries: readonly CatalogueEntry[]): readonly TagRow[] {
  const rows = new Map<string, TagRow>();
  for (const { repository, tag, descriptor } of entries) {
    if (tag === undefined) continue;
    const row = { repository, name: tag, digest: descriptor.digest };
    rows.set(tagKey(row), row);
  }
  return [...rows.values()];
}

/*
 * Statements for rows that name their repository, whose id comes from `known`: a relation of `id` and `name`. Rows go in
 * sorted, so that two publishers that overlap wait for each other instead of deadlocking.
 */
type Known = RawBuilder<unknown>;

/** What tags name now; their rows stay locked. */
export function tagsBefore(tags: readonly TagRow[], known: Known): RawBuilder<unknown> {
  return sql`select k.name as repository, t.name as tag, t.digest
    from ${unnest(tags, { repository: 'text', name: 'text' })} as asked (repository, name)
      join ${known} k on k.name = asked.repository
      join registry_tag t on t.repository = k.id and t.name = asked.name
    order by t.repository, t.name for update of t`;
}

export function manifestsInto(entries: readonly CatalogueEntry[], known: Known): RawBuilder<unknown> {
  const rows = new Map(
    entries.map((entry) => {
      const { repository, descriptor, subject } = entry;
      const row = {
        repository,
        digest: descriptor.digest,
        media_type: descriptor.mediaType,
        size: descriptor.size,
        subject: subject ?? null,
        artifact_type: descriptor.artifactType ?? null,
        annotations: descriptor.annotations === undefined ? null : JSON.stringify(descriptor.annotations),
        names: namesOf(entry),
      };
      return [`${repository}@${row.digest}`, row] as const;
    }),
  );
  // `do update` rather than `do nothing`: it locks the row against a deletion that runs at the same time.
  return sql`insert into registry_manifest
      (repository, digest, media_type, size, subject, artifact_type, annotations, names)
    select k.id, digest, media_type, size, subject, artifact_type, annotations, names::text[]
    from ${unnest([...rows.values()], {
      repository: 'text',
      digest: 'text',
      media_type: 'text',
      size: 'bigint',
      subject: 'text',
      artifact_type: 'text',
      annotations: 'text',
      names: 'text',
    })} as row (repository, digest, media_type, size, subject, artifact_type, annotations, names)
      join ${known} k on k.name = row.repository
    order by k.id, digest
    on conflict (repository, digest) do update
      set pushed = now(), names = coalesce(registry_manifest.names, excluded.names)`;
}

export function blobsInto(
  entries: readonly CatalogueEntry[],
  known: Known,
  renewAfter: number | undefined,
): RawBuilder<unknown> {
  const rows = new Map<string, { repository: string; digest: Digest; size: number | null }>();
  for (const { repository, names, blobs } of entries) {
    const sizes = new Map(names?.map(({ digest, size }) => [digest, size]));
    for (const digest of blobs) {
      rows.set(`${repository}@${digest}`, { repository, digest, size: sizes.get(digest) ?? null });
    }
  }
  return sql`insert into registry_blob (repository, digest, size)
    select k.id, row.digest, row.size
    from ${unnest([...rows.values()], { repository: 'text', digest: 'text', size: 'bigint' })}
      as row (repository, digest, size) join ${known} k on k.name = row.repository
    order by k.id, row.digest
    on conflict (repository, digest) do update
      set touched = now(), size = coalesce(registry_blob.size, excluded.size)
      where registry_blob.touched < ${staleSince(renewAfter)} or registry_blob.size is null`;
}

/** `replace`: what a tag names already is moved; else such a tag is left out of the names that come back. */
export function tagsInto(tags: readonly TagRow[], known: Known, replace: boolean): RawBuilder<unknown> {
  const conflict = replace ? sql`do update set digest = excluded.digest, updated = now()` : sql`do nothing`;
  return sql`insert into registry_tag (repository, name, digest)
    select k.id, row.name, row.digest
    from ${unnest(tags, { repository: 'text', name: 'text', digest: 'text' })} as row (repository, name, digest)
      join ${known} k on k.name = row.repository
    order by k.id, row.name
    on conflict (repository, name) ${conflict} returning name`;
}

/** A PostgreSQL array literal: digests need no quoting. */
function namesOf({ names, subject }: CatalogueEntry): string | null {
  if (names === undefined) return null;
  const all = new Set(names.map(({ digest }) => digest));
  if (subject !== undefined) all.add(subject);
  return `{${[...all].join()}}`;
}
