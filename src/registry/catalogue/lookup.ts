import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { unnest } from '../../database/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';
import { gather } from './gather.ts';

/** Lookups sent in one statement at most. */
const MAX_BATCH = 500;

interface Wanted {
  readonly repository: string;
  readonly reference: string;
}

interface Row {
  readonly position: number;
  readonly digest: Digest;
  readonly media_type: string;
  readonly size: number;
  readonly artifact_type: string | null;
}

/**
 * Resolves tags and digests, gathering the lookups that arrive while a statement is under way into the next one.
 * Every lookup is answered by a statement that began after it, so it sees every commit before it, by whichever process:
 * a cache of tags would not, and this is what makes thousands of lookups a second cheap without one.
 */
export function createLookup(
  reader: DatabaseReader,
): (repository: string, reference: string) => Promise<Descriptor | undefined> {
  const find = gather<Wanted, Descriptor | undefined>((batch) => query(reader, batch), { most: MAX_BATCH });
  return (repository, reference) => find({ repository, reference });
}

async function query(reader: DatabaseReader, batch: readonly Wanted[]): Promise<readonly (Descriptor | undefined)[]> {
  const rows = batch.map(({ repository, reference }, position) => ({ position, repository, reference }));
  const { rows: found } = await sql<Row>`
    select asked.position, m.digest, m.media_type, m.size, m.artifact_type
    from ${unnest(rows, { position: 'integer', repository: 'text', reference: 'text' })}
      as asked (position, repository, reference)
    join registry_repository r on r.name = asked.repository
    left join registry_tag t on t.repository = r.id and t.name = asked.reference
    join registry_manifest m on m.repository = r.id and m.digest = coalesce(t.digest, asked.reference)`.execute(reader);
  const descriptors = new Map(
    found.map((row): [number, Descriptor] => [
      row.position,
      {
        mediaType: row.media_type,
        digest: row.digest,
        size: row.size,
        ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
      },
    ]),
  );
  return batch.map((_, position) => descriptors.get(position));
}
