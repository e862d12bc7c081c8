import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PGlite } from '@electric-sql/pglite';
import { startPglite } from './start-pglite.ts';
import { makeTemplate } from './template.ts';

const COLUMNS = `select table_name, column_name, data_type, column_default, is_nullable from information_schema.columns
  where table_schema = 'public' order by 1, 2`;
const SETTINGS = `select datname, pg_encoding_to_char(encoding), datcollate, datctype from pg_database order by 1`;

test('homes that begin with one template are each their own, and as initdb makes them', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'template-'));
  context.after(() => rm(directory, { recursive: true, force: true }));
  const template = new Blob([await makeTemplate()], { type: 'application/gzip' });
  const open = async (name: string, from: Blob | undefined, work: (pglite: PGlite) => Promise<void>) => {
    const pglite = await startPglite(join(directory, name), async () => from);
    await work(pglite).finally(() => pglite.close());
  };
  const rows = async (pglite: PGlite, text: string) => (await pglite.query(text)).rows;
  const homes = new Set<unknown>();
  let columns: unknown[] = [];
  let settings: unknown[] = [];
  for (const name of ['first', 'second', 'second']) {
    await open(name, template, async (pglite) => {
      const [home] = (await pglite.query<{ value: string }>(`select value from metadata where key = 'home'`)).rows;
      homes.add(home?.value);
      columns = await rows(pglite, COLUMNS);
      settings = await rows(pglite, SETTINGS);
      assert.deepEqual(await rows(pglite, 'show fsync'), [{ fsync: 'on' }]);
    });
  }
  assert.equal(homes.size, 2, 'a home keeps its identity when it is opened again');
  assert.ok(columns.length > 100);
  await open('made', undefined, async (pglite) => {
    assert.deepEqual(await rows(pglite, SETTINGS), settings);
    assert.deepEqual(await rows(pglite, COLUMNS), [], 'migrations are not what starts it');
  });
});
