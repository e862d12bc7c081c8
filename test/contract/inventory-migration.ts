/** An inventory from before sets were by layer and knew what is outdated, brought up to date. */
import assert from 'node:assert/strict';
import { type Kysely, sql } from 'kysely';
import type { DatabaseReader } from '../../src/database/index.ts';
import { migrate } from '../../src/database/migrate.ts';
import { MIGRATIONS } from '../../src/database/migrations/index.ts';
import { changesOfImages, needingAttention, outdatedAll, whereIs } from '../../src/inventory/store/index.ts';

/** @param database empty */
export async function checkInventoryMigration(database: Kysely<unknown>): Promise<void> {
  const at = MIGRATIONS.findIndex(({ name }) => name === '100-outdated-sets');
  await migrate(database, MIGRATIONS.slice(0, at));
  const statements = [
    `insert into package (id, ecosystem, name, architecture) values (1, 'deb', 'libssl3', 'amd64'), (2, 'npm', 'left-pad', '')`,
    `insert into package_version (id, package, version, rank, source, source_version) values
      (1, 1, '3.0-1', 1, 'openssl', '3.0-1'), (2, 1, '3.0-2', 2, 'openssl', '3.0-2'), (3, 2, '1.0.0', 1, 'left-pad', '1.0.0')`,
    `insert into package_set (id, digest, versions) values (1, 'a', '{1}'), (2, 'b', '{2}'), (3, 'c', '{3}')`,
    `insert into package_version_sets values (1, 1, '{1}'), (2, 2, '{2}'), (3, 3, '{3}')`,
    `insert into layer (id, diff_id, bytes, entries) values (1, 'sha256:l1', 1, 1), (2, 'sha256:l2', 1, 1)`,
    'insert into layer_package (layer, package_version) values (1, 1), (1, 2), (2, 3)',
    `insert into image (id, digest, distribution, architecture, scope, package_set, language_set, layers, bytes,
      wasted_bytes, incomplete, recorded) values
      (1, 'sha256:old', 'debian/forky', 'amd64', 'debian/forky/amd64', 1, 3, '{1,2}', 1, 0, '[]', now()),
      (2, 'sha256:new', 'debian/forky', 'amd64', 'debian/forky/amd64', 2, null, '{1}', 1, 0, '[]', now())`,
    `insert into image_reference (reference, image, since) values ('r/old', 1, now()), ('r/new', 2, now())`,
    `insert into package_check (scope, package_version, checked, candidate, candidate_architecture, repository, security,
      severity, advisories, since) values
      ('debian/forky/amd64', 1, now(), '3.0-2', 'amd64', 'r', true, 'critical', '{CVE-2026-1}', '2026-01-01'),
      ('debian/forky/amd64', 2, now(), null, null, null, false, null, '{}', null)`,
    `insert into scope_check values ('debian/forky/amd64', 'debian/forky', 'checked', '', now())`,
    `insert into exposure (package_set, scope, packages, checked, findings, security, oldest_critical) values
      (1, 'debian/forky/amd64', 1, 1, 1, 1, '2026-01-01'), (2, 'debian/forky/amd64', 1, 1, 0, 0, null)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(database);
  await migrate(database);
  const reader = database as DatabaseReader;
  for (const [name, layer] of [
    ['left-pad', 'sha256:l2'],
    ['libssl3', 'sha256:l1'],
  ] as const) {
    const [row] = (await whereIs(reader, { package: name })).rows;
    assert.deepEqual([row?.reference, row?.digest, row?.layer], ['r/old', 'sha256:old', layer]);
  }
  const outdated = await outdatedAll(reader, { since: new Date('2026-01-01') });
  assert.deepEqual(
    outdated.rows.map(({ reference, findings }) => [reference, findings.map((one) => one.candidate)]),
    [['r/old', ['3.0-2']]],
  );
  const attention = await needingAttention(reader, { now: new Date('2026-01-02') });
  assert.deepEqual(
    attention.rows.map(({ reference, grade }) => [reference, grade]),
    [['r/old', 'B']],
  );
  const [changes] = await changesOfImages(reader, [['sha256:old', 'sha256:new']]);
  assert.deepEqual(
    changes?.map((change) => [change.kind, change.package]),
    [
      ['upgraded', 'libssl3'],
      ['removed', 'left-pad'],
    ],
  );
}
