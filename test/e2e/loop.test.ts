/** The whole loop on real Debian packages, without an engine: release pocket first, then security and updates arrive. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import { type Database, openDatabase } from '../../src/database/index.ts';
import {
  loadEngineFleet,
  openWorkshop,
  type PipelineResult,
  pipelineOptions,
  runPipeline,
  verifyOf,
} from '../../src/engine/index.ts';
import { readEvents } from '../../src/events/index.ts';
import { discoverMirrors } from '../../src/feed/index.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/fleet');
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

test('the example fleet: composed from the release, patched when updates arrive, quiet afterwards', async (context) => {
  const reachable = await discoverMirrors({ id: 'debian' }).catch(() => undefined);
  if (reachable === undefined) return context.skip('no Debian mirror is known');
  const root = await mkdtemp(join(tmpdir(), 'heraklit-loop-'));
  const home = homeAt(process.env.HERAKLIT_TEST_HOME ?? join(root, 'home'));
  await cp(EXAMPLE, join(root, 'fleet'), { recursive: true });
  const database = await openDatabase({ kind: 'embedded', directory: join(root, 'database') });
  try {
    const run = (pockets?: readonly string[]) => runOnce(join(root, 'fleet/heraklit.yaml'), home, database, pockets);
    const first = await run(['release']);
    report(context, 'release', first);
    assert.ok(first.tasks.length >= 12);
    assert.deepEqual([...new Set(first.tasks.map((task) => `${task.status} ${task.error ?? ''}`))], ['succeeded ']);

    const second = await run();
    report(context, 'updates', second);
    const ended = Map.groupBy(second.tasks, (task) => task.status);
    assert.deepEqual(
      [...ended.keys()].filter((status) => status !== 'succeeded' && status !== 'unchanged'),
      [],
    );
    assert.ok(second.tasks.some((task) => task.strategy === 'rebase' && task.status === 'succeeded'));

    const third = await run();
    assert.deepEqual([third.run, third.tasks], [undefined, []]);
    const events = await readEvents(database.kysely, { after: 0, limit: 1000 });
    const outdated = events.filter((event) => event.type === 'io.heraklit.image.outdated');
    assert.ok(outdated.length > 0);
    const released = events.filter((event) => event.type === 'io.heraklit.image.released');
    assert.equal(released.length, first.tasks.length + (ended.get('succeeded')?.length ?? 0));
  } finally {
    await database.close();
    await rm(root, { recursive: true, force: true });
  }
});

async function runOnce(
  path: string,
  home: ReturnType<typeof homeAt>,
  database: Database,
  pockets?: readonly string[],
): Promise<PipelineResult> {
  const fleet = await loadEngineFleet(path);
  const only = pockets === undefined ? {} : { pockets };
  const workshop = openWorkshop({ home, log: silentLog, progress: silentProgress, maxAge: 3600, ...only });
  const verify = verifyOf({ fleet, workshop, registryHost: '' });
  const setup = { fleet, workshop, database, architecture: ARCHITECTURE, registryHost: '', verify };
  return runPipeline(await pipelineOptions(setup));
}

function report(context: { diagnostic(line: string): void }, name: string, result: PipelineResult): void {
  const times = Object.entries(result.times).map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`);
  context.diagnostic(`${name}: ${result.tasks.length} tasks; ${times.join(', ')}`);
  for (const task of result.tasks) {
    context.diagnostic(
      `${task.image} ${task.strategy} ${task.status}: ${task.because} ${task.error ?? ''}`.slice(0, 200),
    );
  }
}
