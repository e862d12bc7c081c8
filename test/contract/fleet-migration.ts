/** A database from before fleets were kept apart, brought up to date. */
import assert from 'node:assert/strict';
import { type Kysely, sql } from 'kysely';
import { migrate } from '../../src/database/migrate.ts';
import { MIGRATIONS } from '../../src/database/migrations/index.ts';

/** @param database empty */
export async function checkFleetMigration(database: Kysely<unknown>): Promise<void> {
  const at = MIGRATIONS.findIndex(({ name }) => name === '060-fleets');
  await migrate(database, MIGRATIONS.slice(0, at));
  const run = (id: string, fleet: string, day: number) =>
    sql`insert into run (id, input, attempt, fleet, status, started)
      values (${id}, ${id}, 1, ${fleet}, 'done', ${`2026-01-0${day}`}::timestamptz)`.execute(database);
  const task = (id: string, image: string) =>
    sql`insert into task (run, image, level, status, reason, strategy, because, own_need, input, repository, tag, updated)
      values (${id}, ${image}, 0, 'succeeded', 'new build', 'compose', '', true, '', ${image}, 'latest', now())`.execute(
      database,
    );
  await run('one', 'old-name', 1);
  await run('two', 'shop', 2);
  for (const [id, image] of [
    ['one', 'web'],
    ['two', 'web'],
    ['one', 'db'],
  ] as const) {
    await task(id, image);
  }
  for (const name of ['web', 'db', 'alone']) {
    await sql`insert into fleet_image (name, repository, tag, digest) values (${name}, ${name}, 'latest', 'sha256:x')`.execute(
      database,
    );
  }
  await migrate(database);
  const { rows } = await sql`select name, fleet, digest from fleet_image order by name`.execute(database);
  assert.deepEqual(rows, [
    { name: 'alone', fleet: 'fleet', digest: 'sha256:x' },
    { name: 'db', fleet: 'old-name', digest: 'sha256:x' },
    { name: 'web', fleet: 'shop', digest: 'sha256:x' },
  ]);
}
