import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { homeAt, silentProgress } from '../base/index.ts';
import { openDatabase } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import { databaseRollouts } from '../http/index.ts';
import { createMemoryCatalogue } from '../registry/index.ts';
import type { CliContext } from './context.ts';
import { loadFleetAndSources } from './fleet-sources.ts';
import { openLiveFleet } from './live-fleet.ts';
import { openRuntimeSet } from './runtime-set.ts';

const CLUSTER = `apiVersion: heraklit/v1
kind: Fleet
images: []
clusters: [{ name: edge, kubeconfig: edge.kube }]
`;

test('a changed fleet file is read again; runtimes that are away stay, are told of, and new ones join', async () => {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-live-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'shop.yaml');
  await writeFile(file, CLUSTER);
  // A cluster of which nothing but its address is known, and nobody is there.
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'edge', users: [{ name: 'me', user: {} }] },
    clusters: [{ name: 'edge', cluster: { server: 'http://127.0.0.1:1' } }],
    contexts: [{ name: 'edge', context: { cluster: 'edge', user: 'me' } }],
  };
  await writeFile(join(folder, 'edge.kube'), JSON.stringify(config));
  const said: string[] = [];
  const say = (line: string): void => void said.push(line);
  const context: CliContext = {
    home: homeAt(join(folder, 'home')),
    log: { debug: say, info: say, warn: say, error: say },
    progress: silentProgress,
    colour: false,
    signal: new AbortController().signal,
    print: say,
    settle: () => undefined,
    foundOverThreshold: () => undefined,
    endWith: () => undefined,
  };
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  resources.defer(() => database.close());
  const fleet: LoadedFleet = await loadFleetAndSources(file, context, { offline: true });
  const live = await openLiveFleet(fleet, { context, look: 20 }, resources);
  const set = await openRuntimeSet(
    { options: { socket: join(folder, 'no.sock') }, fleet, database },
    context,
    resources,
  );
  const before = set.all();
  assert.deepEqual(
    before.map(({ state }) => state?.state),
    ['away', 'away'],
  );
  const rollouts = databaseRollouts({ database, catalogue: createMemoryCatalogue() });
  const edge = async () => (await rollouts.runtimes()).runtimes.find(({ name }) => name === 'kubernetes:edge');
  while ((await edge()) === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  const told = await edge();
  assert.deepEqual([told?.state, told?.retry !== null], ['away', true]);
  assert.match(told?.reason ?? '', /127\.0\.0\.1:1/);

  const changes: LoadedFleet[] = [];
  const changed = new Promise<void>((resolve) => {
    live.onChange((now) => {
      changes.push(now);
      resolve();
    });
  });
  await appendFile(file, 'hosts: [{ name: web1, endpoint: "tcp://127.0.0.1:1", insecure: true }]\n');
  await changed;
  assert.equal(live.current().document.hosts?.length, 1);
  await set.renew(live.current());
  const after = set.all();
  assert.equal(after.length, 3);
  assert.ok(
    before.every((one) => after.includes(one)),
    'what is still named is not opened anew',
  );
  await writeFile(file, 'kind: nothing\n');
  while (!said.some((line) => line.includes('stays as it was')))
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(live.current().document.hosts?.length, 1);
  await set.renew({ ...fleet, document: { ...fleet.document, clusters: [] } });
  assert.equal(set.all().length, 1);
});
