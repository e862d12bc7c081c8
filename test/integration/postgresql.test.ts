import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { databaseContract } from '../contract/database.ts';
import { checkFleetMigration } from '../contract/fleet-migration.ts';
import { outboxContract } from '../contract/outbox.ts';
import { pipelineContract } from '../contract/pipeline.ts';
import { rolloutContract } from '../contract/rollout.ts';
import { campaignContract } from '../contract/rollout-campaign.ts';
import { rolloutsToldContract } from '../contract/rollouts-told.ts';
import { postgresqlPrograms, startCluster, type TestCluster } from '../support/postgresql.ts';

const programs = postgresqlPrograms();

if (programs === undefined) {
  test('PostgreSQL', (context) => context.skip('postgresql not installed'));
} else {
  describe('PostgreSQL', () => {
    let cluster: TestCluster;
    before(async () => {
      cluster = await startCluster(programs);
    });
    after(() => cluster.stop());

    databaseContract(
      'PostgreSQL',
      async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }),
      async () => {},
    );

    pipelineContract(
      'PostgreSQL',
      async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }),
      async () => {},
    );

    rolloutContract(
      'PostgreSQL',
      async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }),
      async () => {},
    );

    campaignContract(
      'PostgreSQL',
      async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }),
      async () => {},
    );

    rolloutsToldContract(
      'PostgreSQL',
      async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }),
      async () => {},
    );

    outboxContract(
      'PostgreSQL',
      async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }),
      async () => {},
    );

    test('images of a database from before fleets were kept apart find their fleet', async () => {
      const pool = new pg.Pool({ connectionString: await cluster.createDatabase(), max: 2 });
      const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      await checkFleetMigration(database);
      await database.destroy();
    });

    test('processes that start together migrate once', async () => {
      const url = await cluster.createDatabase();
      const opened = await Promise.all([1, 2, 3].map(() => openDatabase({ kind: 'postgresql', url })));
      const homes = await Promise.all(
        opened.map((one) => one.kysely.selectFrom('metadata').selectAll().where('key', '=', 'home').execute()),
      );
      assert.deepEqual(homes[1], homes[0]);
      assert.equal(homes[0]?.length, 1);
      await Promise.all(opened.map((one) => one.close()));
    });

    test('a restarted server is found again, and listeners wake', async () => {
      const database: Database = await openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() });
      const woken = Promise.withResolvers<void>();
      await database.listen('heraklit_restart', woken.resolve);
      await cluster.crash();
      await assert.rejects(database.kysely.selectFrom('metadata').selectAll().execute());
      await cluster.start();
      await woken.promise;
      assert.equal((await database.kysely.selectFrom('metadata').selectAll().execute()).length, 1);
      await database.close();
    });
  });
}
