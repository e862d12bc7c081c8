import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { openAccessLog } from './access-log.ts';
import { createDrain } from './drain.ts';
import { type ExchangeFacts, observeExchanges } from './exchange-facts.ts';
import { routeOf } from './route-of.ts';
import { createServerMetrics } from './server-metrics.ts';

test('requests are counted by few words, whatever is asked for', () => {
  const routes = [
    '/v2/',
    '/v2/_catalog?n=5',
    '/v2/team/app/manifests/v1',
    '/v2/team/app/blobs/sha256:0',
    '/v2/team/app/blobs/uploads/',
    '/v2/team/app/blobs/uploads/123?digest=x',
    '/v2/team/app/tags/list',
    '/v2/team/app/referrers/sha256:0',
    '/v2/%%%',
    '/api/v1/events?after=1',
    '/api/v1/fleet',
    '/healthz',
    '/metrics',
    '/anything',
  ].map(routeOf);
  assert.deepEqual(routes, [
    'registry.base',
    'registry.catalog',
    'registry.manifest',
    'registry.blob',
    'registry.upload',
    'registry.upload',
    'registry.tags',
    'registry.referrers',
    'registry.base',
    'events',
    'api',
    'health',
    'metrics',
    'page',
  ]);
});

async function openServer(context: TestContext) {
  const server = Fastify({ forceCloseConnections: true });
  const facts: ExchangeFacts[] = [];
  observeExchanges(server, (one) => facts.push(one));
  const drain = createDrain(server);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.get('/fast', async () => 'x'.repeat(10_000));
  server.get('/slow', async () => {
    await held;
    return 'slow';
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(() => server.close());
  return { server, facts, drain, release, url };
}

test('every request is observed once, also one whose client leaves', async (context) => {
  const { facts, url, release, drain } = await openServer(context);
  for (let round = 0; round < 2; round += 1) await (await fetch(`${url}/fast`)).text();
  assert.equal(facts.length, 2);
  for (const one of facts) {
    assert.deepEqual([one.method, one.status, one.aborted], ['GET', 200, false]);
    assert.ok(one.sent > 10_000 && one.sent < 11_000, `${one.sent} bytes: each request’s own`);
  }
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n');
  while (drain.inFlight() === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  while (facts.length === 2) await new Promise((resolve) => setImmediate(resolve));
  release();
  assert.equal(facts.at(-1)?.aborted, true);
  await sleep(20);
  assert.equal(facts.length, 3);
  assert.equal(drain.inFlight(), 0);
});

test('draining waits for what is being answered, and takes nothing new', async (context) => {
  const { drain, release, url } = await openServer(context);
  const answer = fetch(`${url}/slow`);
  while (drain.inFlight() === 0) await new Promise((resolve) => setImmediate(resolve));
  const drained = drain.drain(60_000);
  assert.ok(drain.started());
  await assert.rejects(fetch(`${url}/fast`));
  release();
  assert.equal(await (await answer).text(), 'slow');
  assert.equal(await drained, 0);
});

test('draining ends after its time, and says how many it left', async (context) => {
  const { drain, url, release } = await openServer(context);
  const answer = fetch(`${url}/slow`).then((one) => one.text());
  while (drain.inFlight() === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await drain.drain(50), 1);
  release();
  await answer;
});

test('metrics tell requests, bytes, times and collections', async () => {
  const metrics = createServerMetrics({
    inFlight: () => 3,
    streams: () => 2,
    store: async () => ({ blobs: 5, bytes: 1_000, repositories: 4 }),
  });
  const base = {
    route: 'registry.blob',
    method: 'GET',
    status: 206,
    seconds: 0.02,
    received: 100,
    sent: 5_000,
  } as const;
  metrics.exchange({ ...base, aborted: false });
  metrics.exchange({ ...base, aborted: true });
  metrics.collected({ seconds: 1.5, blobs: 7, bytes: 700 });
  metrics.collectionFailed();
  const lines = new Set((await metrics.text()).split('\n'));
  for (const line of [
    'heraklit_http_requests_total{method="GET",route="registry.blob",status="2xx"} 2',
    'heraklit_http_request_seconds_bucket{le="0.025",method="GET",route="registry.blob"} 2',
    'heraklit_http_bytes_total{route="registry.blob",direction="sent"} 10000',
    'heraklit_http_aborted_total{route="registry.blob"} 1',
    'heraklit_http_requests_in_flight 3',
    'heraklit_event_streams 2',
    'heraklit_registry_gc_total{result="done"} 1',
    'heraklit_registry_gc_total{result="failed"} 1',
    'heraklit_registry_gc_freed_bytes_total 700',
    'heraklit_registry_bytes 1000',
  ]) {
    assert.ok(lines.has(line), `${line} in\n${[...lines].filter((one) => one.startsWith('heraklit')).join('\n')}`);
  }
});

test('an access log is a line of JSON a request, without query or credentials, and goes on after rotation', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'access-log-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'log', 'access.log');
  const log = await openAccessLog(file);
  const server = Fastify();
  context.after(() => server.close());
  observeExchanges(server, (facts, request) => log.write(facts, request, 'alice'));
  server.get('/v2/*', async () => 'x');
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const headers = { authorization: 'Bearer secret-token', cookie: 'session=secret-cookie', 'user-agent': 'test/1' };
  await (await fetch(`${url}/v2/team/app/manifests/v1?token=secret-query`, { headers })).text();
  // The log writes behind; let it come to its file before that is renamed.
  await sleep(100);
  await rename(file, `${file}.1`);
  log.reopen();
  await (await fetch(`${url}/v2/`)).text();
  await log.close();
  const text = (await readFile(`${file}.1`, 'utf8')) + (await readFile(file, 'utf8'));
  assert.doesNotMatch(text, /secret/);
  const [first, second] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(first?.path, '/v2/team/app/manifests/v1');
  assert.equal(first?.account, 'alice');
  assert.equal(first?.status, 200);
  assert.equal(first?.agent, 'test/1');
  assert.equal(second?.path, '/v2/');
});
