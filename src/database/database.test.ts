import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { type Database, openDatabase, unnest } from './index.ts';

let directory: string;
let database: Database;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heraklit-database-'));
  database = await openDatabase({ kind: 'embedded', directory: join(directory, 'database') });
});
after(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

test('a transaction commits or leaves nothing', async () => {
  await database.transaction((trx) => trx.insertInto('metadata').values({ key: 'kept', value: '1' }).execute());
  const failed = database.transaction(async (trx) => {
    await trx.insertInto('metadata').values({ key: 'lost', value: '1' }).execute();
    throw new Error('no');
  });
  await assert.rejects(failed, /no/);
  const rows = await database.kysely
    .selectFrom('metadata')
    .select('key')
    .where('key', 'in', ['kept', 'lost'])
    .execute();
  assert.deepEqual(rows, [{ key: 'kept' }]);
});

test('a query past the open transaction is an error, not a deadlock', async () => {
  await assert.rejects(
    database.transaction(() => database.kysely.selectFrom('metadata').selectAll().execute()),
    { code: 'DATABASE_OUTSIDE_TRANSACTION' },
  );
  await assert.rejects(
    database.transaction(() => database.transaction(async () => 1)),
    { code: 'DATABASE_OUTSIDE_TRANSACTION' },
  );
});

test('unnest inserts arrays', async () => {
  const rows = Array.from({ length: 5000 }, (_, index) => ({ key: `bulk/${index}`, value: `'"\\{}${index}` }));
  await database.transaction((trx) =>
    sql`insert into metadata (key, value) select * from ${unnest(rows, { key: 'text', value: 'text' })}`.execute(trx),
  );
  const back = await database.kysely.selectFrom('metadata').selectAll().where('key', 'like', 'bulk/%').execute();
  assert.deepEqual(new Map(back.map((row) => [row.key, row.value])), new Map(rows.map((row) => [row.key, row.value])));
});
