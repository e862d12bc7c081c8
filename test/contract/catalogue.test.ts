import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { createMemoryCatalogue, createSqlCatalogue } from '../../src/registry/index.ts';
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
