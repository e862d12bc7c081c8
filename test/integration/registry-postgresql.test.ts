import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { type CatalogueEntry, createSqlCatalogue } from '../../src/registry/index.ts';
import { catalogueContract } from '../contract/catalogue.ts';
import { postgresqlPrograms, startCluster, type TestCluster } from '../support/postgresql.ts';

const programs = postgresqlPrograms();

if (programs === undefined) test('catalogue on PostgreSQL', (context) => context.skip('postgresql not installed'));
else {
  let cluster: TestCluster;
  let url: string;
  let databases: readonly Database[];
  before(async () => {
    cluster = await startCluster(programs);
    url = await cluster.createDatabase();
    databases = await Promise.all([url, url].map((one) => openDatabase({ kind: 'postgresql', url: one })));
  });
  after(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await cluster.stop();
  });

  catalogueContract('PostgreSQL', async () => {
    const database = await openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() });
    return { catalogue: createSqlCatalogue(database), close: () => database.close() };
  });

  test('what one process commits, the next lookup of another sees', async () => {
    const [one, two] = databases.map((database) => createSqlCatalogue(database));
    assert.ok(one && two);
    for (let round = 0; round < 50; round += 1) {
      const digest = digestOf(`round ${round}`);
      const descriptor = { mediaType: MediaType.manifest, digest, size: 1 };
      const busy = Array.from({ length: 20 }, () => two.resolve('seen/app', 'latest'));
      await one.putManifest({ repository: 'seen/app', tag: 'latest', descriptor, blobs: [] });
      assert.equal((await two.resolve('seen/app', 'latest'))?.digest, digest);
      await Promise.all(busy);
    }
  });

  test('publishers that overlap in any order neither deadlock nor lose anything', async () => {
    const catalogues = databases.map((database) => createSqlCatalogue(database));
    const entry = (repository: number, round: number): CatalogueEntry => ({
      repository: `fleet/${repository}`,
      tag: 'latest',
      descriptor: { mediaType: MediaType.manifest, digest: digestOf(`${repository} ${round}`), size: 1 },
      blobs: Array.from({ length: 10 }, (_, blob) => digestOf(`layer ${(blob * 7 + repository) % 13}`)),
    });
    await Promise.all(
      Array.from({ length: 24 }, (_, round) => {
        const order = Array.from({ length: 40 }, (_, index) => (index * 7 + round * 3) % 40);
        return catalogues[round % 2]?.publishMany(order.map((repository) => entry(repository, round)));
      }),
    );
    for (let repository = 0; repository < 40; repository += 1) {
      const found = await catalogues[0]?.resolve(`fleet/${repository}`, 'latest');
      const rounds = Array.from({ length: 24 }, (_, round) => digestOf(`${repository} ${round}`));
      assert.ok(found !== undefined && rounds.includes(found.digest));
      for (const digest of rounds) assert.ok(await catalogues[1]?.resolve(`fleet/${repository}`, digest));
    }
  });
}
