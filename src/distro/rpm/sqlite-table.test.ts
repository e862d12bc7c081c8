import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { readSqliteTable } from './sqlite-table.ts';

const folder = mkdtempSync(join(tmpdir(), 'heraklit-sqlite-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const TABLE = 'create table Packages (hnum integer primary key autoincrement, blob blob not null)';

const never = (reason: string): never => assert.fail(reason);

function blobs(source: Uint8Array, log?: Uint8Array, report: (reason: string) => void = never): readonly Buffer[] {
  return [...readSqliteTable(source, log, 'Packages', report)].map(([, blob]) => blob as Buffer);
}

test('rows equal those of SQLite itself, whatever their size and the size of pages', () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(5000), fc.nat(200_000)), { minLength: 1, maxLength: 60 });
  const property = fc.property(sizes, fc.constantFrom(512, 4096, 65_536), (all, pageSize) => {
    const path = join(folder, 'random.sqlite');
    const database = new DatabaseSync(path);
    database.exec(`pragma page_size = ${pageSize}; pragma journal_mode = off; ${TABLE}; create table other (x)`);
    const insert = database.prepare('insert into Packages (blob) values (?)');
    database.exec('begin');
    for (const [index, size] of all.entries()) insert.run(Buffer.alloc(size, index + 1));
    database.exec('commit; delete from Packages where hnum % 5 = 3');
    const rows = database.prepare('select blob from Packages order by hnum').all();
    database.close();
    const expected = rows.map(({ blob }) => Buffer.from(blob as Uint8Array));
    assert.deepEqual(blobs(readFileSync(path)), expected);
    rmSync(path);
  });
  fc.assert(property, { numRuns: 25 });
});

test('what a write-ahead log has committed counts, what it has not does not', () => {
  const path = join(folder, 'logged.sqlite');
  const database = new DatabaseSync(path);
  database.exec(`pragma journal_mode = wal; pragma wal_autocheckpoint = 0; ${TABLE}`);
  const insert = database.prepare('insert into Packages (blob) values (?)');
  for (let index = 1; index <= 20; index += 1) insert.run(Buffer.alloc(index * 1000, index));
  database.exec('delete from Packages where hnum = 7');
  copyFileSync(path, `${path}.copy`);
  const log = readFileSync(`${path}-wal`);
  const rows = database.prepare('select blob from Packages order by hnum').all();
  database.close();
  const bytes = readFileSync(`${path}.copy`);
  const expected = rows.map(({ blob }) => Buffer.from(blob as Uint8Array));
  assert.deepEqual(blobs(bytes, log), expected);
  // Broken off in its last commit, the one before stands: package 7 was there.
  assert.equal(blobs(bytes, log.subarray(0, -1)).length, 20);
  // A log of another run, or a damaged one, is none: then there is not even the table.
  assert.throws(() => blobs(bytes, Buffer.alloc(log.length)));
  fc.assert(
    fc.property(fc.nat(log.length - 1), fc.nat(7), (at, bit) => {
      const broken = Buffer.from(log);
      broken[at] = (broken[at] as number) ^ (1 << bit);
      let found: readonly Buffer[] = [];
      try {
        found = blobs(bytes, broken);
      } catch {
        return;
      }
      assert.ok(found.length <= 20);
    }),
  );
});

test('nothing of a hostile schema runs: views and virtual tables are no tables', () => {
  const path = join(folder, 'view.sqlite');
  const database = new DatabaseSync(path);
  database.exec(`create view Packages as with recursive n (x, blob) as (select 1, x'00' union all select x + 1, blob from n)
    select * from n`);
  database.close();
  assert.throws(() => blobs(readFileSync(path)), /no table Packages/);
});

test('a page that points to itself ends', () => {
  const path = join(folder, 'loop.sqlite');
  const database = new DatabaseSync(path);
  database.exec(`pragma page_size = 512; ${TABLE}`);
  const insert = database.prepare('insert into Packages (blob) values (?)');
  for (let index = 0; index < 100; index += 1) insert.run(Buffer.alloc(300, index));
  database.close();
  const bytes = readFileSync(path);
  const reasons: string[] = [];
  for (let page = 2; page * 512 < bytes.length; page += 1) {
    const start = (page - 1) * 512;
    if (bytes[start] === 5) bytes.writeUInt32BE(page, start + 8);
  }
  blobs(bytes, undefined, (reason) => reasons.push(reason));
  assert.ok(reasons.some((reason) => /used twice/.test(reason)));
});
