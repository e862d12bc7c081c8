import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../../database/index.ts';
import { type Digest, MediaType } from '../../oci/index.ts';
import type { NeededImages } from '../maintenance/needed.ts';
import type { ManifestFacts, Needs, RepositoryFacts, TagFacts } from './decide.ts';

/** Images of workloads as they are configured: `select image`. */
export type RunningReferences = RawBuilder<{ readonly image: string }>;

const INDEX_TYPES = [MediaType.index, MediaType.dockerManifestList];

/** What is needed of what this registry has. */
export async function loadNeeds(database: Database, needed: NeededImages, running: RunningReferences): Promise<Needs> {
  const { rows } = await sql<{ digest: string; reasons: string[] }>`
    select n.digest, array_agg(distinct n.reason) as reasons from (${needed}) n
    where exists (select from registry_manifest m where m.digest = n.digest) group by n.digest`.execute(
    database.kysely,
  );
  const references = await sql<{ image: string }>`select distinct r.image from (${running}) r`.execute(database.kysely);
  return {
    reasons: new Map(rows.map(({ digest, reasons }) => [digest, reasons])),
    running: new Set(references.rows.map(({ image }) => withoutHost(image))),
  };
}

/** `registry.example.com:5000/shop/web:v1` → `shop/web:v1`: the host may be any name this registry is known under. */
export function withoutHost(image: string): string {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(0, slash));
  const named = /[.:]/.test(first) || first === 'localhost' ? image.slice(slash + 1) : image;
  return /:[^/]*$/.test(named) ? named : `${named}:latest`;
}

/** Repositories in the order of their names, one at a time. */
export async function* repositoryNames(
  database: Database,
): AsyncGenerator<{ readonly id: number; readonly name: string }> {
  for (let after = ''; ; ) {
    const { rows } = await sql<{ id: number; name: string }>`select id, name from registry_repository
      where name > ${after} order by name limit 500`.execute(database.kysely);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.name;
  }
}

export async function loadRepository(database: Database, id: number, name: string): Promise<RepositoryFacts> {
  const tags = await sql<TagFacts>`select name, digest, (extract(epoch from updated) * 1000)::float8 as updated
    from registry_tag where repository = ${id} order by name`.execute(database.kysely);
  const manifests = await sql<{ digest: Digest; subject: Digest | null; pushed: number; names: Digest[] | null }>`
    select digest, subject, (extract(epoch from pushed) * 1000)::float8 as pushed,
      case when media_type = any(${sql.val(INDEX_TYPES)}::text[]) then names end as names
    from registry_manifest where repository = ${id} order by digest`.execute(database.kysely);
  return {
    name,
    tags: tags.rows,
    manifests: manifests.rows.map(
      ({ names, ...manifest }): ManifestFacts => ({
        ...manifest,
        children: (names ?? []).filter((child) => child !== manifest.subject),
      }),
    ),
  };
}
