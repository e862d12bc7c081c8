import { sql } from 'kysely';
import {
  type Database,
  type DatabaseTransaction,
  plannedOnce,
  refuseInsideTransaction,
  unnest,
} from '../../database/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';
import { writeBeside } from './beside.ts';
import {
  type CatalogueEntry,
  type Published,
  type PublishOptions,
  REFERRER_BYTES,
  type RegistryCatalogue,
} from './catalogue.ts';
import { gather } from './gather.ts';
import { type BlobLink, linkBlobs } from './link.ts';
import { createLookup } from './lookup.ts';
import { publishEntries } from './publish.ts';
import { staleSince } from './publish-rows.ts';

/** Pushes in one transaction at most. */
const MAX_GROUP = 100;

interface Put {
  readonly entry: CatalogueEntry;
  readonly options: PublishOptions;
}

export interface SqlCatalogueOptions {
  /** Milliseconds after which a link that somebody counts on is touched again; the store's own `renewAfter`. */
  readonly renewAfter?: number;
}

/** The catalogue in the home's database: any number of processes on PostgreSQL may serve it at once. */
export function createSqlCatalogue(database: Database, options: SqlCatalogueOptions = {}): RegistryCatalogue {
  const { renewAfter } = options;
  const { kysely } = database;
  const inside = <T>(
    trx: DatabaseTransaction | undefined,
    work: (trx: DatabaseTransaction) => Promise<T>,
  ): Promise<T> => (trx === undefined ? database.transaction(work) : work(trx));
  const resolve = createLookup(kysely);

  const publishMany = async (
    entries: readonly CatalogueEntry[],
    options: PublishOptions = {},
  ): Promise<readonly Published[]> => {
    if (entries.length === 0) return [];
    return inside(options.trx, async (trx) => {
      const published = await publishEntries(entries, trx, renewAfter, options.when);
      await writeBeside([{ published, options }], trx);
      return published;
    });
  };

  const link = gather<BlobLink, undefined>(
    async (links) => {
      await linkBlobs(database, links);
      return links.map(() => undefined);
    },
    { most: MAX_GROUP, alone: true },
  );
  /** Pushes that come together commit together: the sync of a commit costs more than its rows. */
  const put = gather<Put, Published>(
    (puts) =>
      database.transaction(async (trx) => {
        const published = await publishEntries(
          puts.map(({ entry }) => entry),
          trx,
          renewAfter,
        );
        const told = puts.map(({ options }, at) => ({ published: [published[at] as Published], options }));
        await writeBeside(told, trx);
        return published;
      }),
    // A tag once in a group: what it named before is what the push before it made of it.
    { most: MAX_GROUP, alone: true, key: ({ entry }) => `${entry.repository}:${entry.tag ?? entry.descriptor.digest}` },
  );

  return {
    publishMany,
    putManifest: async (entry, options = {}) => {
      if (options.trx !== undefined || options.when !== undefined)
        return (await publishMany([entry], options))[0] as Published;
      refuseInsideTransaction('publishing a manifest');
      return await put({ entry, options });
    },
    resolve,

    async tags(repository, { n, last }) {
      const { rows } = await sql<{ present: boolean; name: string | null }>`
        select true as present, t.name from registry_repository r
        left join lateral (
          select name from registry_tag where repository = r.id and name > ${last ?? ''} order by name limit ${n}
        ) t on true
        where r.name = ${repository} and exists (select from registry_manifest m where m.repository = r.id)
        order by t.name`.execute(kysely);
      return rows.length === 0 ? undefined : rows.flatMap(({ name }) => (name === null ? [] : [name]));
    },

    async repositories({ n, last }) {
      const { rows } = await sql<{ name: string }>`
        select name from registry_repository r
        where name > ${last ?? ''} and exists (select from registry_manifest m where m.repository = r.id)
        order by name limit ${n}`.execute(kysely);
      return rows.map(({ name }) => name);
    },

    deleteTag: (repository, tag, trx, named) =>
      inside(trx, async (open) => {
        const { rows } = await sql`delete from registry_tag t using registry_repository r
          where r.name = ${repository} and t.repository = r.id and t.name = ${tag}
            and (${named ?? null}::text is null or t.digest = ${named ?? null}) returning 1 as one`.execute(open);
        return rows.length > 0;
      }),

    deleteManifest: (repository, digest, trx) =>
      inside(trx, async (open) => {
        const { rows } = await sql`delete from registry_manifest m using registry_repository r
          where r.name = ${repository} and m.repository = r.id and m.digest = ${digest} returning 1 as one`.execute(
          open,
        );
        return rows.length > 0;
      }),

    async referrers(repository, digest, artifactType, page) {
      const { rows } = await sql<ReferrerRow>`
        select digest, media_type, size, artifact_type, annotations from (
          select m.*, sum(${weight}) over (order by m.digest) - ${weight} as before
          from registry_manifest m join registry_repository r on r.id = m.repository
          where r.name = ${repository} and m.subject = ${digest} and m.digest > ${page?.last ?? ''}
            and (${artifactType ?? null}::text is null or m.artifact_type = ${artifactType ?? null})
        ) m
        where ${page?.bytes ?? null}::bigint is null or before <= ${page?.bytes ?? null}
        order by digest limit ${page?.n ?? null}`.execute(kysely);
      return rows.map(referrer);
    },

    async hasBlob(repository, digest) {
      const { rows } = await sql<{
        stale: boolean;
      }>`${plannedOnce} select b.touched < ${staleSince(renewAfter)} as stale
        from registry_blob b join registry_repository r on r.id = b.repository
        where r.name = ${repository} and b.digest = ${digest}`.execute(kysely);
      if (rows[0]?.stale !== true) return rows.length > 0;
      // Collection may have removed the link meanwhile.
      const renewed = await sql`update registry_blob b set touched = now() from registry_repository r
        where r.name = ${repository} and b.repository = r.id and b.digest = ${digest} returning 1 as one`.execute(
        kysely,
      );
      return renewed.rows.length > 0;
    },

    async repositoriesWith(digest, n) {
      const { rows } = await sql<{ name: string }>`
        select r.name from registry_blob b join registry_repository r on r.id = b.repository
        where b.digest = ${digest} order by r.name limit ${n}`.execute(kysely);
      return rows.map(({ name }) => name);
    },

    async linkBlob(repository, digest, size, within) {
      refuseInsideTransaction('linking a blob');
      if (within !== undefined) return await linkBlobs(database, [{ repository, digest, size }], within);
      await link({ repository, digest, size });
    },

    async unlinkBlob(repository, digest, unless) {
      const { rows } = await sql`delete from registry_blob b using registry_repository r
        where r.name = ${repository} and b.repository = r.id and b.digest = ${digest}
          and (${unless === undefined} or not exists (
            select from registry_manifest m where m.repository = r.id and ${digest} = any(m.names)
          )) returning 1 as one`.execute(kysely);
      return rows.length > 0;
    },

    async missing(repository, digests) {
      if (digests.length === 0) return [];
      const rows = digests.map((digest) => ({ digest }));
      // One by one: of `not exists` the planner makes a hash of all manifests of the repository, for a handful of digests.
      const { rows: missing } = await sql<{ digest: Digest }>`${plannedOnce}
        with r as materialized (select id from registry_repository where name = ${repository})
        select asked.digest from ${unnest(rows, { digest: 'text' })} as asked (digest)
        where coalesce(
          (select true from registry_blob b where b.repository = (select id from r) and b.digest = asked.digest),
          (select true from registry_manifest m where m.repository = (select id from r) and m.digest = asked.digest)
        ) is null`.execute(kysely);
      return missing.map(({ digest }) => digest);
    },
  };
}

/** `referrerWeight` of a row. */
const weight = sql`(${sql.lit(REFERRER_BYTES)} + octet_length(coalesce(m.artifact_type, ''))
  + octet_length(coalesce(m.annotations, '')))`;

interface ReferrerRow {
  readonly digest: Digest;
  readonly media_type: string;
  readonly size: number;
  readonly artifact_type: string | null;
  readonly annotations: string | null;
}

function referrer(row: ReferrerRow): Descriptor {
  return {
    mediaType: row.media_type,
    digest: row.digest,
    size: row.size,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) as Record<string, string> }),
  };
}
