/** What every kind of database must do. Run by test/contract/database.test.ts and test/integration/postgresql.test.ts. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { type Database, unnest } from '../../src/database/index.ts';
import { migrate } from '../../src/database/migrate.ts';
import { MIGRATIONS } from '../../src/database/migrations/index.ts';

export function databaseContract(name: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`database contract: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(async () => {
      await database.close();
      await cleanup();
    });
    const keys = async (...names: string[]): Promise<string[]> => {
      const rows = await database.kysely.selectFrom('metadata').select('key').where('key', 'in', names).execute();
      return rows.map((row) => row.key).sort();
    };
    const insert = (key: string) =>
      database.transaction((trx) => trx.insertInto('metadata').values({ key, value: '' }).execute());

    test('a transaction commits or leaves nothing', async () => {
      await insert('kept');
      const failed = database.transaction(async (trx) => {
        await trx.insertInto('metadata').values({ key: 'lost', value: '1' }).execute();
        throw new Error('no');
      });
      await assert.rejects(failed, /no/);
      assert.deepEqual(await keys('kept', 'lost'), ['kept']);
    });

    test('a failed statement fails its transaction and leaves the next one alone', async () => {
      await assert.rejects(insert('kept'), { code: '23505' });
      await insert('after');
      assert.deepEqual(await keys('after'), ['after']);
    });

    test('transactions started together all commit', async () => {
      const names = Array.from({ length: 25 }, (_, index) => `together/${index}`);
      await Promise.all(names.map(insert));
      assert.deepEqual(await keys(...names), names.sort());
    });

    test('a query past the open transaction is an error, not a deadlock', async () => {
      const wrong = [
        () => database.kysely.selectFrom('metadata').selectAll().execute(),
        () => sql`select 1`.execute(database.kysely),
        () => database.transaction(async () => 1),
        () => database.raw.query('select 1'),
        () => database.listen('heraklit_x', () => undefined),
      ];
      for (const call of wrong) {
        await assert.rejects(database.transaction<unknown>(call), { code: 'DATABASE_OUTSIDE_TRANSACTION' });
      }
      await insert('still usable');
    });

    test('a statement goes on working after its table has changed, in and out of transactions', async () => {
      await sql`create table changing (a int)`.execute(database.kysely);
      const read = (from: Database['kysely']) => sql<{ a: unknown }>`select * from changing`.execute(from);
      for (let round = 0; round < 3; round += 1) await read(database.kysely);
      await sql`insert into changing values (1)`.execute(database.kysely);
      await sql`alter table changing alter column a type text, add column b int default 2`.execute(database.kysely);
      assert.deepEqual((await read(database.kysely)).rows, [{ a: '1', b: 2 }]);
      for (let round = 0; round < 3; round += 1) await database.transaction((trx) => read(trx));
      await sql`alter table changing drop column a`.execute(database.kysely);
      await database.transaction((trx) => read(trx)).catch(() => undefined);
      assert.deepEqual((await database.transaction((trx) => read(trx))).rows, [{ b: 2 }]);
      await sql`drop table changing`.execute(database.kysely);
    });

    test('a parameter of the wrong kind fails its statement, and the same statement goes on with a right one', async () => {
      const half = (value: unknown) => sql<{ n: number }>`select ${value}::int / 2 as n`.execute(database.kysely);
      for (const value of [2, 4, 6]) assert.deepEqual((await half(value)).rows, [{ n: value / 2 }]);
      await assert.rejects(half('a'), { code: '22P02' });
      await assert.rejects(
        database.transaction((trx) => sql`select ${0}::int / 0`.execute(trx)),
        { code: '22012' },
      );
      assert.deepEqual((await half(8)).rows, [{ n: 4 }]);
      assert.deepEqual((await half(null)).rows, [{ n: null }]);
    });

    test('a transaction that swallows the failure of a statement does not commit', async () => {
      const swallowed = database.transaction(async (trx) => {
        await trx.insertInto('metadata').values({ key: 'swallowed', value: '' }).execute();
        await sql`select 1/0`.execute(trx).catch(() => undefined);
      });
      await swallowed.catch(() => undefined);
      assert.deepEqual(await keys('swallowed'), []);
    });

    test('more different statements than stay prepared', async () => {
      const numbers = Array.from({ length: 450 }, (_, index) => index);
      for (let round = 0; round < 2; round += 1) {
        for (const number of numbers) {
          const { rows } = await sql`select ${sql.lit(number)}::int + ${1}::int as sum`.execute(database.kysely);
          assert.deepEqual(rows, [{ sum: number + 1 }]);
        }
      }
    });

    test('unnest inserts and types arrays of any bytes', async () => {
      const rows = Array.from({ length: 20_000 }, (_, index) => ({
        key: `bulk/${index}`,
        value: `'"\\{},NULL ${index}`,
      }));
      await database.transaction((trx) =>
        sql`insert into metadata (key, value) select * from ${unnest(rows, { key: 'text', value: 'text' })}`.execute(
          trx,
        ),
      );
      const back = await database.kysely.selectFrom('metadata').selectAll().where('key', 'like', 'bulk/%').execute();
      assert.deepEqual(
        new Map(back.map((row) => [row.key, row.value])),
        new Map(rows.map((row) => [row.key, row.value])),
      );
      const typed = [
        { n: 9_007_199_254_740_991, on: true, at: new Date(0).toISOString(), text: null },
        { n: -1, on: false, at: new Date(1e12).toISOString(), text: '' },
      ];
      const columns = { n: 'bigint', on: 'boolean', at: 'timestamptz', text: 'text' } as const;
      const read = await sql`select * from ${unnest(typed, columns)} as t (n, "on", at, text)`.execute(database.kysely);
      assert.deepEqual(
        read.rows,
        typed.map((row) => ({ ...row, at: new Date(row.at) })),
      );
      const none = await sql`select * from ${unnest([], columns)} as t (n, "on", at, text)`.execute(database.kysely);
      assert.deepEqual(none.rows, []);
    });

    test('listeners wake on commit, not on rollback, and not after they stopped', async () => {
      let woken = 0;
      const first = Promise.withResolvers<void>();
      const stop = await database.listen('heraklit_contract', () => {
        woken += 1;
        first.resolve();
      });
      const notify = (fail: boolean) =>
        database.transaction(async (trx) => {
          await sql`select pg_notify('heraklit_contract', '')`.execute(trx);
          if (fail) throw new Error('no');
        });
      await assert.rejects(notify(true));
      await notify(false);
      await first.promise;
      await stop();
      await notify(false);
      await sql`select 1`.execute(database.kysely);
      assert.equal(woken, 1);
    });

    test('raw: scripts of several statements, and a failed one leaves no open transaction', async () => {
      const result = await database.raw.query('begin; select 1 as one; select 2 as one; commit');
      assert.deepEqual(result.rows, [{ one: 1 }, { one: 2 }]);
      assert.deepEqual((await database.raw.query('select $1::int as one', [3])).rows, [{ one: 3 }]);
      await assert.rejects(database.raw.query('begin; select 1/0; commit'));
      await insert('after the failed script');
    });

    test('migrations ran once; a failing one is named and leaves nothing; a newer database is refused', async () => {
      const handle = database.kysely as unknown as Kysely<unknown>;
      assert.deepEqual(await migrate(handle), []);
      const broken = { name: '900-broken', statements: ['create table half (a int)', 'select nonsense'] };
      await assert.rejects(migrate(handle, [...MIGRATIONS, broken]), {
        code: 'DATABASE_MIGRATION_FAILED',
        message: /900-broken.*nonsense/s,
      });
      const half = await sql<{ there: boolean }>`select to_regclass('half') is not null as there`.execute(handle);
      assert.equal(half.rows[0]?.there, false);
      const extra = { name: '901-extra', statements: ['create table extra (a int)'] };
      const both = await Promise.all([
        migrate(handle, [...MIGRATIONS, extra]),
        migrate(handle, [...MIGRATIONS, extra]),
      ]);
      assert.deepEqual(both.flat(), ['901-extra']);
      await assert.rejects(migrate(handle), { code: 'DATABASE_NEWER', message: /901-extra/ });
      await sql`delete from schema_migration where name = '901-extra'`.execute(handle);
    });

    test('a migration whose statements are not those that ran is refused; how they are laid out does not matter', async () => {
      const handle = database.kysely as unknown as Kysely<unknown>;
      const [first, ...rest] = MIGRATIONS;
      const laidOut = { name: first?.name ?? '', statements: first?.statements.map((one) => `  ${one}\n`) ?? [] };
      assert.deepEqual(await migrate(handle, [laidOut, ...rest]), []);
      const edited = { ...laidOut, statements: [...laidOut.statements, 'select 1'] };
      await assert.rejects(migrate(handle, [edited, ...rest]), {
        code: 'DATABASE_MIGRATION_CHANGED',
        message: new RegExp(`${edited.name}$`),
      });
      assert.deepEqual(await migrate(handle), []);
    });

    test('a database from before checksums gets them, and is guarded from then on', async () => {
      const handle = database.kysely as unknown as Kysely<unknown>;
      await sql`alter table schema_migration drop column checksum`.execute(handle);
      assert.deepEqual(await Promise.all([migrate(handle), migrate(handle)]), [[], []]);
      const { rows } = await sql<{ checksum: string }>`select checksum from schema_migration`.execute(handle);
      assert.equal(rows.length, MIGRATIONS.length);
      assert.ok(rows.every((row) => /^[0-9a-f]{64}$/.test(row.checksum)));
      await sql`update schema_migration set checksum = 'other' where name = '001-events'`.execute(handle);
      await assert.rejects(migrate(handle), { code: 'DATABASE_MIGRATION_CHANGED', message: /001-events/ });
      await sql`update schema_migration set checksum = null where name = '001-events'`.execute(handle);
      assert.deepEqual(await migrate(handle), []);
    });
  });
}
