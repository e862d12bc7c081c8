import { sql } from 'kysely';
import type { Advisory, AdvisoryType } from '../../advisory/index.ts';
import { type Database, type DatabaseReader, type DatabaseTransaction, unnest } from '../../database/index.ts';
import { type AdvisoryPackageRow, toAffected } from './affected-row.ts';

/** A feed as it was last imported. */
export interface ImportedFeed {
  readonly id: number;
  readonly location: string;
  /** '' unless the import named one. */
  readonly distribution: string;
  readonly askedType: AdvisoryType | undefined;
  readonly types: readonly string[];
  /** sha256 */
  readonly digest: string;
  readonly bytes: number;
  /** ISO 8601 */
  readonly imported: string;
  readonly advisories: number;
  readonly packages: number;
  readonly problems: number;
}

export async function listFeeds(reader: DatabaseReader): Promise<readonly ImportedFeed[]> {
  const rows = await reader
    .selectFrom('advisory_feed')
    .selectAll()
    .where('ready', '=', true)
    .orderBy('location')
    .execute();
  return rows.map(({ ready: _, asked_type, imported, ...row }) => ({
    ...row,
    askedType: asked_type === '' ? undefined : (asked_type as AdvisoryType),
    imported: imported.toISOString(),
  }));
}

/** Forgets a feed and what it said. @returns false when there is none of this location */
export async function removeFeed(database: Database, location: string): Promise<boolean> {
  const deleted = await database.transaction((trx) =>
    trx.deleteFrom('advisory_feed').where('location', '=', location).returning('id').execute(),
  );
  return deleted.length > 0;
}

/** Rows of one transaction: the embedded database runs one at a time, and others wait. */
const BATCH = 4_000;
/** Milliseconds after which an import that never finished counts as killed. */
const ABANDONED = 6 * 3_600_000;

/** Takes the advisories of one import. Nothing counts before `finish`; the feed's earlier content counts until then. */
export interface FeedWriter {
  add(advisory: Advisory): Promise<void>;
  finish(facts: { readonly types: readonly string[]; readonly problems: number }): Promise<ImportedFeed>;
  abandon(): Promise<void>;
}

export interface NewFeed {
  readonly location: string;
  readonly distribution: string;
  readonly askedType: string;
  readonly digest: string;
  readonly bytes: number;
  readonly now: Date;
}

export async function writeFeed(database: Database, feed: NewFeed): Promise<FeedWriter> {
  const { id } = await database.transaction(async (trx) => {
    const before = new Date(feed.now.getTime() - ABANDONED);
    await trx.deleteFrom('advisory_feed').where('ready', '=', false).where('imported', '<', before).execute();
    const { location, distribution, askedType: asked_type, digest, bytes, now: imported } = feed;
    const facts = { location, distribution, asked_type, digest, bytes, imported };
    return trx
      .insertInto('advisory_feed')
      .values({ ...facts, types: [], advisories: 0, packages: 0, problems: 0, ready: false })
      .returning('id')
      .executeTakeFirstOrThrow();
  });
  let waiting: Advisory[] = [];
  let weight = 0;
  let [advisories, packages] = [0, 0];
  const flush = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const batch = waiting;
    [waiting, weight] = [[], 0];
    await database.transaction((trx) => insertBatch(trx, id, batch));
  };
  return {
    add: async (advisory) => {
      waiting.push(advisory);
      weight += 1 + advisory.affected.length;
      advisories += 1;
      packages += advisory.affected.length;
      if (weight >= BATCH) await flush();
    },
    finish: async ({ types, problems }) => {
      await flush();
      await database.transaction(async (trx) => {
        // One after another: two imports of one location must not both find nothing to replace.
        await sql`select pg_advisory_xact_lock(hashtextextended(${`advisory_feed ${feed.location}`}, 0))`.execute(trx);
        await trx.deleteFrom('advisory_feed').where('location', '=', feed.location).where('ready', '=', true).execute();
        const facts = { types: [...types], advisories, packages, problems, ready: true };
        await trx.updateTable('advisory_feed').set(facts).where('id', '=', id).execute();
      });
      const { location, distribution, digest, bytes } = feed;
      const asked = feed.askedType === '' ? undefined : (feed.askedType as AdvisoryType);
      const told = { id, location, distribution, askedType: asked, digest, bytes, imported: feed.now.toISOString() };
      return { ...told, types, advisories, packages, problems };
    },
    abandon: async () => {
      await database.transaction((trx) => trx.deleteFrom('advisory_feed').where('id', '=', id).execute());
    },
  };
}

async function insertBatch(trx: DatabaseTransaction, feed: number, batch: readonly Advisory[]): Promise<void> {
  const { rows: ids } = await sql<{ id: number }>`
    select nextval(pg_get_serial_sequence('advisory', 'id'))::integer as id
    from generate_series(1, ${batch.length}::integer)`.execute(trx);
  const rows = batch.map((advisory, index) => ({
    ...advisory,
    id: ids[index]?.id as number,
    name: advisory.id,
    // An array of arrays would have to be rectangular: travels as JSON.
    aliases: JSON.stringify(advisory.aliases),
    urls: JSON.stringify(advisory.urls),
  }));
  await sql`
    insert into advisory (id, feed, name, aliases, severity, score, summary, published, modified, withdrawn, urls)
    select id, ${feed}::integer, name, array(select jsonb_array_elements_text(aliases)), severity, score, summary,
      published, modified, withdrawn, array(select jsonb_array_elements_text(urls))
    from ${unnest(rows, {
      id: 'integer',
      name: 'text',
      aliases: 'jsonb',
      severity: 'text',
      score: 'double precision',
      summary: 'text',
      published: 'timestamptz',
      modified: 'timestamptz',
      withdrawn: 'timestamptz',
      urls: 'jsonb',
    })} as w (id, name, aliases, severity, score, summary, published, modified, withdrawn, urls)`.execute(trx);
  const packages = rows.flatMap(({ id, affected }) =>
    affected.map((item) => ({
      ...item,
      advisory: id,
      last_affected: item.lastAffected,
      versions: item.versions === undefined ? undefined : JSON.stringify(item.versions),
    })),
  );
  if (packages.length === 0) return;
  await sql`
    insert into advisory_package (advisory, ecosystem, name, kind, status, introduced, fixed, last_affected, versions,
      justification, statement, product, severity)
    select advisory, ecosystem, name, kind, status, introduced, fixed, last_affected,
      case when versions is null then null else array(select jsonb_array_elements_text(versions)) end,
      justification, statement, product, severity
    from ${unnest(packages, {
      advisory: 'integer',
      ecosystem: 'text',
      name: 'text',
      kind: 'text',
      status: 'text',
      introduced: 'text',
      fixed: 'text',
      last_affected: 'text',
      versions: 'jsonb',
      justification: 'text',
      statement: 'text',
      product: 'text',
      severity: 'text',
    })} as w (advisory, ecosystem, name, kind, status, introduced, fixed, last_affected, versions, justification,
      statement, product, severity)`.execute(trx);
}

/** Advisories read at a time. */
const PAGE = 1_000;

/** All that a feed said, in the order it was read. */
export async function* advisoriesOfFeed(reader: DatabaseReader, feed: number): AsyncGenerator<Advisory, void> {
  let after = -1;
  for (;;) {
    const rows = await reader
      .selectFrom('advisory')
      .selectAll()
      .where('feed', '=', feed)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id);
    after = ids.at(-1) as number;
    const { rows: packages } = await sql<AdvisoryPackageRow>`
      select * from advisory_package where advisory = any(${ids}::integer[])
      order by advisory, ecosystem, name, kind, status, introduced, fixed, last_affected, product, versions`.execute(
      reader,
    );
    const byAdvisory = Map.groupBy(packages, ({ advisory }) => advisory);
    for (const { id, feed: _, name, severity, score, published, modified, withdrawn, ...rest } of rows) {
      yield {
        ...rest,
        id: name,
        severity: (severity as Advisory['severity'] | null) ?? undefined,
        score: score ?? undefined,
        published: published?.toISOString(),
        modified: modified?.toISOString(),
        withdrawn: withdrawn?.toISOString(),
        affected: (byAdvisory.get(id) ?? []).map(toAffected),
      };
    }
  }
}
