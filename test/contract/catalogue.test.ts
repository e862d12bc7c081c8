import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { readEvents } from '../../src/events/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { announcedCatalogue, createMemoryCatalogue, createSqlCatalogue } from '../../src/registry/index.ts';
import { catalogueContract } from './catalogue.ts';

let folder: string;
let database: Database;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catalogue-'));
  database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

catalogueContract('memory', async () => ({ catalogue: createMemoryCatalogue(), close: async () => {} }));
catalogueContract('embedded database', async () => ({
  catalogue: createSqlCatalogue(database),
  close: async () => {},
}));

catalogueContract('announced', async () => {
  const own = await openDatabase({ kind: 'embedded', directory: join(folder, 'announced') });
  return { catalogue: announcedCatalogue(createSqlCatalogue(own), own), close: () => own.close() };
});

test('what clients change is announced with the change, and nothing else', async () => {
  const catalogue = announcedCatalogue(createSqlCatalogue(database), database);
  const before = (await readEvents(database.kysely, { after: 0, limit: 10_000 })).at(-1)?.sequence ?? 0;
  const put = (content: string, fail = false) =>
    catalogue.putManifest(
      {
        repository: 'told/app',
        descriptor: { mediaType: MediaType.manifest, digest: digestOf(content), size: 1 },
        tag: 'v1',
        blobs: [],
      },
      {
        within: async () => {
          if (fail) throw new Error('refused');
        },
      },
    );
  await put('a');
  await put('a');
  await put('b');
  await put('a');
  await assert.rejects(put('c', true), /refused/);
  assert.equal(await catalogue.deleteTag('told/app', 'absent'), false);
  assert.equal(await catalogue.deleteTag('told/app', 'v1'), true);
  assert.equal(await catalogue.deleteManifest('told/app', digestOf('b')), true);
  const events = await readEvents(database.kysely, { after: before, limit: 100 });
  const told = events.map(({ type, subject, data }) => {
    const { digest, previous } = data as { digest?: string; previous?: string };
    return [type.replace('io.heraklit.registry.', ''), subject, digest, previous];
  });
  const [a, b] = [digestOf('a'), digestOf('b')];
  assert.deepEqual(told, [
    ['pushed', 'told/app:v1', a, undefined],
    ['pushed', 'told/app:v1', b, a],
    ['pushed', 'told/app:v1', a, b],
    ['deleted', 'told/app:v1', a, undefined],
    ['deleted', `told/app@${b}`, b, undefined],
  ]);
});

test("a caller's transaction carries the tag: rolled back with it, unseen before its commit", async () => {
  const catalogue = createSqlCatalogue(database);
  const descriptor = { mediaType: MediaType.manifest, digest: digestOf('in trx'), size: 6 };
  const publish = (fail: boolean): Promise<void> =>
    database.transaction(async (trx) => {
      await catalogue.putManifest({ repository: 'trx/app', descriptor, tag: 'v1', blobs: [] }, { trx });
      if (fail) throw new Error('later step failed');
    });
  await assert.rejects(publish(true), /later step/);
  assert.equal(await catalogue.resolve('trx/app', 'v1'), undefined);
  await publish(false);
  assert.equal((await catalogue.resolve('trx/app', 'v1'))?.digest, descriptor.digest);
  await database.transaction((trx) => catalogue.deleteTag('trx/app', 'v1', trx));
  assert.equal(await catalogue.resolve('trx/app', 'v1'), undefined);
});
