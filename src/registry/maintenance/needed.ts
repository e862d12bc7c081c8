import { type RawBuilder, sql } from 'kysely';
import type { DatabaseReader } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { readNames } from './names.ts';

/**
 * What the rest of heraklit counts on, as a subselect `select digest, reason`: images that run, are released, are
 * bases or the way back. The tables are those of later stages; only who knows them can say it.
 */
export type NeededImages = RawBuilder<{ readonly digest: string; readonly reason: string }>;

export const nothingNeeded: NeededImages = sql`select null::text as digest, null::text as reason where false`;

/** Manifests followed from needed images at most; a fleet's bases are far fewer. */
const MAX_FOLLOWED = 200_000;

/**
 * Blobs of needed images that the catalogue does not know (a base taken over from elsewhere), and of `pinned` ones: in
 * pages, each needed digest with what it names, followed through indexes.
 */
export async function* neededBlobs(
  reader: DatabaseReader,
  store: BlobStore,
  needed: NeededImages,
  pinned: readonly Digest[],
): AsyncGenerator<readonly Digest[]> {
  const { rows } = await sql<{ digest: string }>`select distinct n.digest from (${needed}) n
    where n.digest is not null and not exists (select from registry_manifest m where m.digest = n.digest)
    limit ${MAX_FOLLOWED}`.execute(reader);
  const queue = [...new Set([...pinned, ...rows.map(({ digest }) => digest as Digest)])];
  const seen = new Set(queue);
  for (let at = 0; at < queue.length && at < MAX_FOLLOWED; at += 1) {
    const digest = queue[at] as Digest;
    const size = (await store.stat(digest))?.size;
    // Too large to be a manifest, or not here at all: it names nothing.
    const names = size === undefined || size > MAX_NAMED ? [] : await readNames(store, digest);
    if (typeof names === 'string') {
      yield [digest];
      continue;
    }
    for (const name of names) {
      if (seen.has(name)) continue;
      seen.add(name);
      // Only a manifest names more; layers are not read to find out that they are none.
      const named = (await store.stat(name))?.size;
      if (named !== undefined && named <= MAX_NAMED && (await looksLikeManifest(store, name))) queue.push(name);
    }
    yield [digest, ...names];
  }
}

/** Bytes; manifests and indexes are smaller. */
const MAX_NAMED = 4 * 1024 * 1024;

async function looksLikeManifest(store: BlobStore, digest: Digest): Promise<boolean> {
  const stream = await store.open(digest, { start: 0, end: 0 }).catch(() => undefined);
  if (stream === undefined) return false;
  for await (const chunk of stream as AsyncIterable<Buffer>) return chunk[0] === 0x7b;
  return false;
}
