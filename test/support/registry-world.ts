/** A registry over a scratch database and store whose blobs age in milliseconds instead of hours. */
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { type Descriptor, type Digest, MediaType } from '../../src/oci/index.ts';
import { createSqlCatalogue, type RegistryCatalogue } from '../../src/registry/index.ts';
import { type BlobStore, openBlobStore } from '../../src/storage/index.ts';

export interface RegistryWorld {
  readonly folder: string;
  readonly database: Database;
  readonly store: BlobStore;
  readonly catalogue: RegistryCatalogue;
  /** Makes blobs and links look days old; all of them, or those given. */
  age(digests?: readonly Digest[]): Promise<void>;
  blob(content: string): Promise<Descriptor>;
  /** Stores and publishes a manifest over layers of those contents. */
  image(
    repository: string,
    tag: string | undefined,
    layers: readonly string[],
    more?: { readonly subject?: Descriptor; readonly artifactType?: string },
  ): Promise<Descriptor>;
  index(repository: string, tag: string | undefined, children: readonly Descriptor[]): Promise<Descriptor>;
  has(descriptor: { readonly digest: Digest }): Promise<boolean>;
  /** Empties store and catalogue. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const DAYS_AGO = 3 * 86_400_000;

export interface RegistryWorldOptions {
  /** Of an empty PostgreSQL database; embedded when undefined. */
  readonly url?: string | undefined;
  /** Remote, so that `age` makes only what the database says older, and `reset` does not empty it. */
  readonly store?: BlobStore;
}

export async function registryWorld({ url, store: given }: RegistryWorldOptions = {}): Promise<RegistryWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'collect-'));
  const embedded = { kind: 'embedded', directory: join(folder, 'database') } as const;
  const database = await openDatabase(url === undefined ? embedded : { kind: 'postgresql', url });
  const store = given ?? (await openBlobStore(join(folder, 'store')));
  const catalogue = createSqlCatalogue(database);
  const blob = async (content: string): Promise<Descriptor> => ({
    mediaType: 'application/octet-stream',
    ...(await store.put(Buffer.from(content))),
  });
  const publish = async (
    repository: string,
    tag: string | undefined,
    document: object,
    mediaType: string,
    names: readonly Descriptor[],
    blobs: readonly Digest[],
    more: { readonly subject?: Descriptor; readonly artifactType?: string } = {},
  ): Promise<Descriptor> => {
    const written = await store.put(Buffer.from(JSON.stringify(document)));
    const { subject, artifactType } = more;
    const descriptor = { mediaType, ...written, ...(artifactType === undefined ? {} : { artifactType }) };
    await catalogue.putManifest({
      repository,
      descriptor,
      blobs,
      names,
      ...(tag === undefined ? {} : { tag }),
      ...(subject === undefined ? {} : { subject: subject.digest }),
    });
    return { mediaType, ...written };
  };
  return {
    folder,
    database,
    store,
    catalogue,
    blob,
    async image(repository, tag, layers, more = {}) {
      const config = { ...(await blob(`{"config":${JSON.stringify(layers)}}`)), mediaType: MediaType.config };
      const stored: Descriptor[] = [];
      for (const layer of layers) stored.push({ ...(await blob(layer)), mediaType: MediaType.layer });
      const document = { schemaVersion: 2, mediaType: MediaType.manifest, config, layers: stored, ...more };
      const names = [config, ...stored];
      return publish(
        repository,
        tag,
        document,
        MediaType.manifest,
        names,
        names.map(({ digest }) => digest),
        more,
      );
    },
    index: (repository, tag, manifests) =>
      publish(
        repository,
        tag,
        { schemaVersion: 2, mediaType: MediaType.index, manifests },
        MediaType.index,
        manifests,
        [],
      ),
    async age(digests) {
      const then = (Date.now() - DAYS_AGO) / 1_000;
      const all = digests ?? (await Array.fromAsync(store.list())).map(({ digest }) => digest);
      for (const digest of all) {
        const path = store.localPath(digest);
        if (path !== undefined) await utimes(path, then, then);
      }
      await sql`update registry_blob set touched = now() - interval '3 days'
        where digest = any(${sql.val([...all])}::text[])`.execute(database.kysely);
      await sql`update registry_manifest set pushed = now() - interval '3 days'
        where digest = any(${sql.val([...all])}::text[])`.execute(database.kysely);
    },
    async reset() {
      for (const table of ['registry_repository', 'registry_candidate', 'outbox'] as const) {
        await database.kysely.deleteFrom(table).execute();
      }
      if (given !== undefined) return;
      await rm(join(folder, 'store', 'blobs'), { recursive: true });
      await mkdir(join(folder, 'store', 'blobs', 'sha256'), { recursive: true });
    },
    has: ({ digest }) => store.has(digest),
    async close() {
      await database.close();
      await rm(folder, { recursive: true });
    },
  };
}
