import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect } from 'kysely';
import { openDatabase } from '../../src/database/index.ts';
import { databaseContract } from './database.ts';
import { checkFleetMigration } from './fleet-migration.ts';
import { checkInventoryMigration } from './inventory-migration.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-database-'));
for (const thread of [false, true]) {
  databaseContract(
    thread ? 'embedded, in a thread' : 'embedded',
    () => openDatabase({ kind: 'embedded', directory: join(root, `database-${thread}`), thread }),
    () => rm(join(root, `database-${thread}`), { recursive: true, force: true }),
  );
}
after(() => rm(root, { recursive: true, force: true }));

test('images of a database from before fleets were kept apart find their fleet', async () => {
  const database = new Kysely<unknown>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
  await checkFleetMigration(database);
  await database.destroy();
});

test('an inventory from before sets were by layer answers as before', async () => {
  const database = new Kysely<unknown>({ dialect: new PGliteDialect({ pglite: new PGlite() }) });
  await checkInventoryMigration(database);
  await database.destroy();
});
