/** What the people who run `heraklit serve` rely on: nothing is cut off, everything is counted, pushes are announced. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestOf, MediaType, serialize } from '../../src/oci/index.ts';
import { endChild } from '../support/end-child.ts';

const BIN = resolve(import.meta.dirname, '../../bin/heraklit.js');

async function serve(context: TestContext, folder: string, ...args: readonly string[]) {
  const child: ChildProcess = spawn(
    process.execPath,
    [BIN, 'serve', '--port', '0', '--home', join(folder, 'home'), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HERAKLIT_DATABASE: '', NO_COLOR: '1' } },
  );
  context.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'exit');
  const url = await new Promise<string>((found, failed) => {
    child.stdout?.on('data', (chunk) => {
      const match = /heraklit serves (\S+)/.exec(String(chunk));
      if (match?.[1] !== undefined) found(match[1]);
    });
    ended.then(() => failed(new Error(stderr)), failed);
  });
  return { child, url, ended, said: () => stderr };
}

const upload = async (url: string, bytes: Buffer): Promise<void> => {
  const start = await fetch(`${url}/v2/team/app/blobs/uploads/?digest=${digestOf(bytes)}`, {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: { 'content-type': 'application/octet-stream' },
  });
  assert.equal(start.status, 201, await start.text());
};

test('SIGTERM lets an upload end and turns new connections away; access log, metrics and events tell what was', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'operations-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const log = join(folder, 'access.log');
  const { child, url, ended, said } = await serve(context, folder, '--access-log', log, '--verbose');

  const config = Buffer.from('{}');
  await upload(url, config);
  const manifest = serialize({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    artifactType: 'application/x-test',
    config: { mediaType: MediaType.empty, digest: digestOf(config), size: config.length },
    layers: [],
  });
  const put = await fetch(`${url}/v2/team/app/manifests/v1?secret=hidden`, {
    method: 'PUT',
    body: new Uint8Array(manifest),
    headers: { 'content-type': MediaType.manifest, authorization: '' },
  });
  assert.equal(put.status, 201, await put.text());
  const { events } = (await (await fetch(`${url}/api/v1/events`)).json()) as {
    events: { type: string; subject: string; data: { digest: string } }[];
  };
  assert.deepEqual(
    events
      .filter(({ type }) => type === 'io.heraklit.registry.pushed')
      .map(({ subject, data }) => [subject, data.digest]),
    [['team/app:v1', digestOf(manifest)]],
  );
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^heraklit_http_requests_total\{method="PUT",route="registry.manifest",status="2xx"\} 1$/m);
  assert.match(metrics, /^heraklit_registry_bytes 2$/m);
  assert.match(metrics, /^heraklit_registry_repositories 1$/m);

  // An upload that is half sent when the signal comes.
  const blob = Buffer.alloc(1_000_000, 'x');
  const begun = await fetch(`${url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
  const place = new URL(begun.headers.get('location') ?? '', url);
  const sending = request(`${place.href}?digest=${digestOf(blob)}`, {
    method: 'PUT',
    headers: { 'content-length': blob.length, 'content-type': 'application/octet-stream' },
  });
  const answered = once(sending, 'response');
  sending.write(blob.subarray(0, 500_000));
  while (!/requests_in_flight [2-9]/.test(await (await fetch(`${url}/metrics`)).text())) {
    // Until the server has seen the request; the scrape itself is one.
  }
  child.kill('SIGTERM');
  while (!/waiting for 1 requests? to end/.test(said())) {
    assert.equal(child.exitCode, null, said());
    await new Promise((wake) => setTimeout(wake, 20));
  }
  await assert.rejects(fetch(`${url}/healthz`), 'no new connection');
  sending.end(blob.subarray(500_000));
  const [answer] = await answered.catch((error: unknown) => assert.fail(`${error}: ${said()}`));
  assert.equal(answer.statusCode, 201);
  answer.resume();
  assert.deepEqual(await ended, [0, null], said());

  const lines = (await readFile(log, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const pushed = lines.find(({ path }) => path === '/v2/team/app/manifests/v1');
  assert.deepEqual([pushed?.method, pushed?.status, pushed?.route], ['PUT', 201, 'registry.manifest']);
  assert.ok(lines.some(({ received }) => Number(received) > 1_000_000));
  assert.doesNotMatch(await readFile(log, 'utf8'), /hidden/);

  // The blob that was under way is there.
  const again = await serve(context, folder);
  assert.equal((await fetch(`${again.url}/v2/team/app/blobs/${digestOf(blob)}`, { method: 'HEAD' })).status, 200);
  assert.deepEqual(await endChild(again.child), [0, null]);
});

test('after its time a drain ends what is left; the upload is resumed at the next start', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'operations-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const { child, url, said } = await serve(context, folder, '--drain', '0.2');
  const begun = await fetch(`${url}/v2/team/app/blobs/uploads/`, { method: 'POST' });
  const place = new URL(begun.headers.get('location') ?? '', url);
  const blob = Buffer.alloc(400_000, 'y');
  const sending = request(place, { method: 'PATCH', headers: { 'content-type': 'application/octet-stream' } });
  sending.on('error', () => undefined);
  sending.write(blob.subarray(0, 200_000));
  for (let size = 0; size < 200_000; ) {
    const status = await fetch(place);
    size = Number(/-(\d+)$/.exec(status.headers.get('range') ?? '')?.[1] ?? -1) + 1;
  }
  assert.deepEqual(await endChild(child), [0, null], said());
  assert.match(said(), /1 requests? did not end in time/);

  const again = await serve(context, folder);
  const there = new URL(place.pathname + place.search, again.url);
  const status = await fetch(there);
  assert.equal(status.headers.get('range'), '0-199999');
  const done = await fetch(`${there.href}${there.search === '' ? '?' : '&'}digest=${digestOf(blob)}`, {
    method: 'PUT',
    body: new Uint8Array(blob.subarray(200_000)),
    headers: { 'content-type': 'application/octet-stream', 'content-range': '200000-399999' },
  });
  assert.equal(done.status, 201, await done.text());
  assert.deepEqual(await endChild(again.child), [0, null]);
});

test('told to end while the loop over a fleet starts, it ends at once, whatever has started of it', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'operations-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const fleet = join(folder, 'heraklit.yaml');
  await writeFile(
    fleet,
    'apiVersion: heraklit/v1\nkind: Fleet\nimages: []\nregistry: { collect: { interval: 1 }, retention: [{ repositories: "*" }] }\n',
  );
  const { child, said } = await serve(context, folder, fleet);
  assert.deepEqual(await endChild(child), [0, null], said());
  assert.doesNotMatch(said(), /by force|job queue|did not end/);
});
