import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt, silentProgress } from '../base/index.ts';
import { openDatabase } from '../database/index.ts';
import { listFeeds } from '../feed/advisory-feeds/index.ts';
import { fleetAdvisories } from './fleet-advisories.ts';

test('feeds of a fleet file are imported from beside it; one that is missing stops none', async (context) => {
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-fleet-advisories-'));
  const home = homeAt(join(directory, 'home'));
  const database = await openDatabase({ kind: 'embedded', directory: home.database });
  context.after(async () => {
    await database.close();
    await rm(directory, { recursive: true, force: true });
  });
  await writeFile(
    join(directory, 'osv.json'),
    '{"id": "CVE-2026-0001", "modified": "2026-01-01T00:00:00Z", "affected": []}',
  );
  const warnings: string[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (text: string) => warnings.push(text),
    error: () => undefined,
  };
  const advisories = [{ location: 'absent.json' }, { location: 'osv.json', type: 'osv' as const }];
  const document = { apiVersion: 'heraklit/v1' as const, kind: 'Fleet' as const, images: [], advisories };
  const refresh = fleetAdvisories({ document, directory }, database, {
    home,
    log,
    signal: new AbortController().signal,
    progress: silentProgress,
  });
  await refresh();
  assert.deepEqual(
    (await listFeeds(database.kysely)).map(({ location }) => location),
    [join(directory, 'osv.json')],
  );
  assert.deepEqual([warnings.length, /absent\.json/.test(warnings[0] ?? '')], [1, true]);
  await refresh();
  assert.equal(warnings.length, 1, 'not asked again at once');
});
