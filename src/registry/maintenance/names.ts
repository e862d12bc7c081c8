import { sql } from 'kysely';
import { messageOf } from '../../base/index.ts';
import { type Database, unnest } from '../../database/index.ts';
import { type Digest, isDigest, MAX_MANIFEST_BYTES } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';

/** Manifests read at a time. */
const PAGE = 200;

/** Rows that no publisher left without names: manifests whose bytes are missing, damaged or no JSON. */
export interface Unreadable {
  readonly digest: Digest;
  readonly reason: string;
}

/**
 * Everything a manifest or index names, its subject included; undefined for what is no JSON object. Lenient on purpose:
 * of what the registry once took, nothing that looks like a name may be missed.
 */
export function namesIn(bytes: Uint8Array): readonly Digest[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { config, layers, manifests, blobs, subject } = value as Readonly<Record<string, unknown>>;
  const all = [config, subject, ...[layers, manifests, blobs].flatMap((list) => (Array.isArray(list) ? list : []))];
  const found = all.flatMap((descriptor: unknown) => {
    const digest = (descriptor as { digest?: unknown } | null | undefined)?.digest;
    return typeof digest === 'string' && isDigest(digest) ? [digest] : [];
  });
  return [...new Set(found)];
}

/** What a manifest in the store names, or why that cannot be said. */
export async function readNames(store: BlobStore, digest: Digest): Promise<readonly Digest[] | string> {
  try {
    return namesIn(await store.read(digest, MAX_MANIFEST_BYTES)) ?? 'it is no JSON object';
  } catch (error) {
    return messageOf(error);
  }
}

/** Fills in the names of manifests that were published without them. @returns those that cannot be read */
export async function fillInNames(
  database: Database,
  store: BlobStore,
  signal?: AbortSignal,
): Promise<readonly Unreadable[]> {
  const unreadable: Unreadable[] = [];
  for (let after = ''; ; ) {
    signal?.throwIfAborted();
    const { rows } = await sql<{ digest: Digest }>`select distinct digest from registry_manifest
      where names is null and digest > ${after} order by digest limit ${PAGE}`.execute(database.kysely);
    const last = rows.at(-1);
    if (last === undefined) return unreadable;
    after = last.digest;
    const read = await Promise.all(rows.map(async ({ digest }) => ({ digest, names: await readNames(store, digest) })));
    const known = read.flatMap(({ digest, names }) =>
      typeof names === 'string' ? [] : [{ digest, names: `{${names.join()}}` }],
    );
    await sql`update registry_manifest m set names = row.names::text[]
      from ${unnest(known, { digest: 'text', names: 'text' })} as row (digest, names)
      where m.digest = row.digest and m.names is null`.execute(database.kysely);
    for (const { digest, names } of read) if (typeof names === 'string') unreadable.push({ digest, reason: names });
  }
}
