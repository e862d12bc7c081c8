import { sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import { unnest } from '../../database/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';

/** Lookups sent in one statement at most. */
const MAX_BATCH = 500;

interface Waiting {
  readonly repository: string;
  readonly reference: string;
  resolve(descriptor: Descriptor | undefined): void;
  reject(error: unknown): void;
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
  let waiting: Waiting[] = [];
  let scheduled = false;

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, MAX_BATCH);
      waiting = waiting.slice(MAX_BATCH);
      try {
        const found = await query(reader, batch);
        for (const [index, one] of batch.entries()) one.resolve(found.get(index));
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    scheduled = false;
  };

  return (repository, reference) =>
    new Promise((resolve, reject) => {
      waiting.push({ repository, reference, resolve, reject });
      if (scheduled) return;
      scheduled = true;
      // After the events of this turn, so that requests read from several sockets at once share the statement.
      setImmediate(run);
    });
}

async function query(reader: DatabaseReader, batch: readonly Waiting[]): Promise<Map<number, Descriptor>> {
  const rows = batch.map(({ repository, reference }, position) => ({ position, repository, reference }));
  const { rows: found } = await sql<Row>`
    select asked.position, m.digest, m.media_type, m.size, m.artifact_type
    from ${unnest(rows, { position: 'integer', repository: 'text', reference: 'text' })}
      as asked (position, repository, reference)
    join registry_repository r on r.name = asked.repository
    left join registry_tag t on t.repository = r.id and t.name = asked.reference
    join registry_manifest m on m.repository = r.id and m.digest = coalesce(t.digest, asked.reference)`.execute(reader);
  return new Map(
    found.map((row) => [
      row.position,
      {
        mediaType: row.media_type,
        digest: row.digest,
        size: row.size,
        ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
      },
    ]),
  );
}
