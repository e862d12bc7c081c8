import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteMaintenance, serveHttp } from '../../src/http/index.ts';
import type { CollectAnswer, RegistryMaintenance } from '../../src/registry/index.ts';
import { endChild } from '../support/end-child.ts';
import { memoryEventStream, sampleQueries } from '../support/sample-fleet.ts';

const BIN = resolve(import.meta.dirname, '../../bin/heraklit.js');

test('progress, results and errors come through HTTP; one task at a time; a client that leaves ends its task', async () => {
  const waiting = Promise.withResolvers<void>();
  let stopped = false;
  const maintenance: RegistryMaintenance = {
    async collect(request, watch = {}) {
      watch.progress?.update('listing blobs', 7, 9, 'note');
      if (request.grace === 1) throw Object.assign(new Error('disk'), { code: 'ENOSPC' });
      if (request.grace === 2) {
        waiting.resolve();
        await sleep(60_000, undefined, { signal: watch.signal as AbortSignal }).catch(() => undefined);
        stopped = true;
      }
      return { dryRun: request.dryRun } as CollectAnswer;
    },
    verify: () => Promise.reject(new Error('secret detail')),
    usage: async () => ({ repositories: [], total: { repositories: 0, blobs: 0, bytes: 0 } }),
    retain: async (request) => ({ decisions: [], rules: request.rules }) as never,
  };
  const { server, url } = await serveHttp(
    { queries: sampleQueries, events: memoryEventStream(), web: join(tmpdir(), 'none'), maintenance },
    { host: '127.0.0.1', port: 0, accounts: false },
  );
  try {
    const remote = createRemoteMaintenance(url);
    const seen: unknown[] = [];
    const progress = { update: (...all: readonly unknown[]) => void seen.push(all) };
    assert.deepEqual(await remote.collect({ dryRun: true }, { progress }), { dryRun: true });
    assert.deepEqual(seen, [['listing blobs', 7, 9, 'note']]);
    await assert.rejects(remote.collect({ grace: 1 }), { code: 'DISK_FULL' });
    await assert.rejects(remote.verify({}), (error: Error) => !error.message.includes('secret'));
    const rules = [{ repositories: '*' }];
    assert.deepEqual(await remote.retain({ rules }), { decisions: [], rules });
    assert.equal((await remote.usage()).total.blobs, 0);
    const leave = new AbortController();
    const left = assert.rejects(remote.collect({ grace: 2 }, { signal: leave.signal }));
    await waiting.promise;
    await assert.rejects(remote.collect({}), { code: 'HTTP_MAINTENANCE_BUSY' });
    leave.abort();
    await left;
    while (!stopped) await sleep(10);
  } finally {
    await server.close();
  }
  await assert.rejects(createRemoteMaintenance(url).collect({}), { code: 'HTTP_REMOTE_UNREACHABLE' });
});

test('heraklit registry works beside heraklit serve, and alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'registry-cli-'));
  const env = { ...process.env, HERAKLIT_DATABASE: '' };
  const heraklit = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'registry', ...args, '--home', folder], {
      encoding: 'utf8',
      env,
      timeout: 120_000,
    });
    return { code: status, stdout, stderr };
  };
  const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', '--home', folder], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for await (const chunk of child.stdout) if (String(chunk).includes('heraklit serves')) break;
    await writeFile(join(folder, 'store', 'stray.txt'), 'x');
    const served = heraklit('verify', '--format', 'json');
    assert.equal(served.code, 1, served.stderr);
    assert.deepEqual(
      JSON.parse(served.stdout).findings.map((finding: { path: string }) => finding.path),
      ['stray.txt'],
    );
    assert.equal(JSON.parse(heraklit('gc', '--dry-run', '--format', 'json').stdout).freed.blobs, 0);
    const fleet = join(folder, 'heraklit.yaml');
    await writeFile(
      fleet,
      'apiVersion: heraklit/v1\nkind: Fleet\nimages: []\nregistry: { retention: [{ repositories: "*" }] }\n',
    );
    assert.match(
      heraklit('retention', fleet, '--dry-run').stdout,
      /0 tags stay; 0 tags and 0 manifests would be removed/,
    );
  } finally {
    assert.deepEqual(await endChild(child), [0, null]);
  }
  await rm(join(folder, 'store', 'stray.txt'));
  const fleet = join(folder, 'heraklit.yaml');
  await writeFile(
    fleet,
    'apiVersion: heraklit/v1\nkind: Fleet\nimages: []\nregistry: { collect: { interval: 1 }, retention: [{ repositories: "*" }] }\n',
  );
  const keeper = spawn(
    process.execPath,
    [BIN, 'serve', fleet, '--port', '0', '--home', folder, '--limit', 'uploads=9'],
    {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    for await (const chunk of keeper.stdout) if (String(chunk).includes('heraklit serves')) break;
    const events = () =>
      spawnSync(process.execPath, [BIN, 'events', '--home', folder, '--type', 'registry.collected'], {
        encoding: 'utf8',
        env,
        timeout: 120_000,
      });
    let collected = false;
    for (let look = 0; look < 50 && !collected; look += 1) {
      await sleep(200);
      collected = events().stdout.includes('registry.collected');
    }
    assert.ok(collected, 'serve collects by itself');
  } finally {
    assert.deepEqual(await endChild(keeper), [0, null]);
  }
  assert.match(heraklit('verify').stdout, /nothing wrong/);
  assert.equal(heraklit('gc', '--grace', '1').code, 2);
  assert.equal(heraklit('verify', '--part', '8/7').code, 2);
  await rm(folder, { recursive: true });
});
