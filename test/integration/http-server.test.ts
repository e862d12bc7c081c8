import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import {
  createHttpServer,
  createRemoteQueries,
  decideBind,
  type Events,
  type HttpServerOptions,
  type Problem,
  serveHttp,
} from '../../src/http/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { createMemoryCatalogue, registryRoutes } from '../../src/registry/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { apiDocument } from '../support/api-document.ts';
import { memoryEventStream, sampleFleet, samplePlan, sampleQueries } from '../support/sample-fleet.ts';

const OPENAPI = join(import.meta.dirname, '../../docs/openapi.json');
const NO_WEB = join(import.meta.dirname, 'no-such-folder');

const code = (wanted: string) => (error: unknown) => isHeraklitError(error, wanted);

async function start(context: TestContext, options: Partial<HttpServerOptions> = {}, anonymous?: 'read' | 'write') {
  const events = memoryEventStream();
  const { server, url } = await serveHttp(
    { queries: sampleQueries, events, web: NO_WEB, ...options },
    { host: '127.0.0.1', port: 0, accounts: false, ...(anonymous === undefined ? {} : { anonymous }) },
  );
  context.after(() => server.close());
  return { server, url, events };
}

test('the remote client gets what the queries answer, through the schemas', async (context) => {
  const { url } = await start(context);
  const remote = createRemoteQueries(url);
  assert.deepEqual(await remote.fleet(), sampleFleet);
  assert.deepEqual(await remote.totals(), sampleFleet.totals);
  assert.deepEqual(await remote.plan(), samplePlan);
  const image = 'shop-api';
  assert.deepEqual(await remote.outdated({ image }), await sampleQueries.outdated({ image }));
  assert.deepEqual(await remote.outdated(), await sampleQueries.outdated());
  assert.deepEqual(await remote.layers(image), await sampleQueries.layers(image));
  const places = await remote.where({ package: 'libssl3', version: '<< 3', type: 'deb', limit: 5 });
  assert.deepEqual(places, { package: 'libssl3', places: [], next: null });
  const file = await remote.whereFile({ path: '/usr/bin/curl' });
  assert.deepEqual(file, await sampleQueries.whereFile({ path: '/usr/bin/curl' }));
  assert.deepEqual((await remote.whereDigest({ digest: 'sha256:1' })).places, []);
  assert.equal((await remote.whereAdvisory({ advisory: 'CVE-1', state: 'missing' })).advisory, 'CVE-1');
  assert.equal((await remote.history({ image })).next, null);
  assert.equal((await remote.explain({ image })).image, image);
  const span = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
  assert.deepEqual(await remote.changes(span), await sampleQueries.changes(span));
  assert.deepEqual((await remote.moved(span)).references, []);
  await assert.rejects(remote.moved({ ...span, from: 'yesterday' }), code('HTTP_REQUEST_INVALID'));
  await assert.rejects(remote.explain({ image: 'nope' }), code('HTTP_NOT_FOUND'));
  assert.deepEqual(await remote.diff('a', 'a'), await sampleQueries.diff('a', 'a'));
  assert.deepEqual(await remote.workloads(), { workloads: [], clusters: [] });
  await assert.rejects(remote.layers('nope'), code('HTTP_NOT_FOUND'));
  await assert.rejects(remote.layers(''), code('HTTP_REQUEST_INVALID'));
});

test('the published OpenAPI document is the one the routes make', async () => {
  const published = JSON.parse(await readFile(OPENAPI, 'utf8')) as unknown;
  assert.deepEqual(await apiDocument(), published, 'run: node test/support/write-openapi.ts');
});

test('a stream replays after Last-Event-ID and goes on live; a client that reconnects misses nothing', async (context) => {
  const { url, events } = await start(context);
  for (let number = 1; number <= 3; number += 1) events.push('image.built', `image-${number}`, { number });
  const remote = createRemoteQueries(url);
  const abort = new AbortController();
  const seen: number[] = [];
  for await (const event of remote.followEvents(1, abort.signal)) {
    seen.push(event.sequence);
    if (event.sequence === 3) events.push('image.published', 'image-1', {});
    if (event.sequence === 4) abort.abort();
  }
  assert.deepEqual(seen, [2, 3, 4]);
  assert.deepEqual(
    (await remote.events(2)).events.map(({ sequence }) => sequence),
    [3, 4],
  );
  const page = (await (await fetch(`${url}/api/v1/events?last=1`)).json()) as Events;
  assert.deepEqual([page.events.length, page.next], [1, 4]);
});

test('Last-Event-ID wins over the query, and open streams end when the server closes', async (context) => {
  const { url, events, server } = await start(context);
  for (let number = 1; number <= 3; number += 1) events.push('image.built', `image-${number}`, {});
  const headers = { accept: 'text/event-stream', 'last-event-id': '2' };
  const response = await fetch(`${url}/api/v1/events?after=0`, { headers });
  const reader = response.body?.getReader();
  let text = '';
  while (!text.includes('id: ')) text += new TextDecoder().decode((await reader?.read())?.value);
  assert.match(text, /id: 3\n/);
  assert.doesNotMatch(text, /id: 1\n/);
  await server.close();
  const rest = await reader?.read().catch(() => ({ done: true }));
  assert.equal(rest?.done, true);
});

test('metrics, health, readiness and the page that is not built', async (context) => {
  let healthy = true;
  const ready = async () => {
    if (!healthy) throw new Error('database gone');
  };
  const { url } = await start(context, { ready });
  assert.equal(await (await fetch(`${url}/healthz`)).text(), 'ok\n');
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  healthy = false;
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^heraklit_images 14$/m);
  assert.match(metrics, /^heraklit_findings\{security="true"\} \d+$/m);
  assert.match(metrics, /^heraklit_http_requests_total\{method="GET",route="health",status="2xx"\} [1-9]/m);
  const page = await fetch(url);
  assert.match(await page.text(), /npm run build:web/);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/);
});

test('what fails inside is logged and not explained; unknown paths and methods are coded', async (context) => {
  const fleet = async () => {
    throw new Error('secret detail');
  };
  const { url } = await start(context, { queries: { ...sampleQueries, fleet } });
  const failed = await fetch(`${url}/api/v1/fleet`);
  assert.equal(failed.status, 500);
  assert.doesNotMatch(await failed.text(), /secret/);
  const missing = (await (await fetch(`${url}/api/v2/x`)).json()) as Problem;
  assert.equal(missing.error.code, 'HTTP_NOT_FOUND');
});

test('anonymous reading refuses writes, to registry clients in their own words', async (context) => {
  const registry = (scope: { route(options: object): unknown }) =>
    scope.route({ method: ['GET', 'POST'], url: '/v2/*', handler: async () => ({ reached: true }) });
  const { url } = await start(context, { registry: registry as never }, 'read');
  assert.equal((await fetch(`${url}/v2/x`)).status, 200);
  const denied = await fetch(`${url}/v2/x/blobs/uploads/`, { method: 'POST' });
  assert.equal(denied.status, 403);
  assert.match(await denied.text(), /"code":"DENIED"/);
  const api = (await (await fetch(`${url}/api/v1/plan`, { method: 'POST' })).json()) as Problem;
  assert.equal(api.error.code, 'HTTP_READ_ONLY');
});

test('a URL that does not decode is refused in the form of the API or of the registry', async (context) => {
  const { url } = await start(context);
  const registry = await fetch(`${url}/v2/a%ff/tags/list`);
  assert.equal(registry.status, 400);
  assert.match(await registry.text(), /^{"errors":\[{"code":"NAME_INVALID",/);
  const api = await fetch(`${url}/api/v1/%zz`);
  assert.equal(api.status, 400);
  assert.equal(((await api.json()) as Problem).error.code, 'HTTP_REQUEST_INVALID');
});

test('the registry takes blobs larger than what the API takes', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-http-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const store = await openBlobStore(folder);
  const catalogue = createMemoryCatalogue();
  const { url } = await start(context, { registry: (scope) => scope.register(registryRoutes, { store, catalogue }) });
  const blob = Buffer.alloc(3 * 1024 * 1024, 7);
  const begun = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digestOf(blob));
  const pushed = await fetch(location, { method: 'PUT', body: blob });
  assert.equal(pushed.status, 201);
  const pulled = await fetch(`${url}/v2/a/b/blobs/${digestOf(blob)}`);
  assert.equal(digestOf(Buffer.from(await pulled.arrayBuffer())), digestOf(blob));
});

/** `fetch` does not let a test choose the Host header. */
function raw(url: string, method: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((done, failed) => {
    const sent = httpRequest(url, { method, headers }, (response) => {
      response.resume();
      done(response.statusCode);
    });
    sent.on('error', failed);
    sent.end();
  });
}

test('on loopback, browsers led here by other names or other pages are refused', async (context) => {
  const { url } = await start(context);
  const { host } = new URL(url);
  assert.equal(await raw(url, 'GET', { host: 'rebound.example' }), 403);
  assert.equal(await raw(url, 'GET', { host: `localhost:${new URL(url).port}` }), 200);
  assert.equal(await raw(`${url}/v2/x`, 'POST', { host, origin: 'https://evil.example' }), 403);
  assert.equal(await raw(`${url}/v2/x`, 'POST', { host, origin: 'null' }), 403);
  assert.equal(await raw(`${url}/v2/x`, 'POST', { host, origin: url }), 404);
});

test('with accounts nothing is answered without one, probes aside', async (context) => {
  const server = await createHttpServer({
    queries: sampleQueries,
    events: memoryEventStream(),
    web: NO_WEB,
    bind: decideBind({ host: '127.0.0.1', accounts: true }),
  });
  context.after(() => server.close());
  const refused = await server.inject('/api/v1/fleet');
  assert.equal(refused.statusCode, 401);
  assert.equal(refused.json<Problem>().error.code, 'HTTP_ACCOUNT_NEEDED');
  assert.equal((await server.inject('/healthz')).statusCode, 200);
});

test('one stream too many is refused', async (context) => {
  const { url } = await start(context, { maxStreams: 0 });
  const response = await fetch(`${url}/api/v1/events`, { headers: { accept: 'text/event-stream' } });
  assert.equal(response.status, 503);
  assert.match(await response.text(), /HTTP_TOO_MANY_STREAMS/);
});

test('an address in use is a coded error', async (context) => {
  const { url, events } = await start(context);
  const again = serveHttp(
    { queries: sampleQueries, events, web: NO_WEB },
    { host: '127.0.0.1', port: Number(new URL(url).port), accounts: false },
  );
  await assert.rejects(again, code('HTTP_ADDRESS_IN_USE'));
});

test('a remote that is not there, or not heraklit', async (context) => {
  const other = createServer((_request, response) => response.end('<html>hello</html>')).listen(0, '127.0.0.1');
  await new Promise((done) => other.once('listening', done));
  const { port } = other.address() as AddressInfo;
  await assert.rejects(createRemoteQueries(`http://127.0.0.1:${port}`).fleet(), code('HTTP_REMOTE_INVALID'));
  await new Promise((done) => other.close(done));
  await assert.rejects(createRemoteQueries(`http://127.0.0.1:${port}`).fleet(), code('HTTP_REMOTE_UNREACHABLE'));
  context.diagnostic('closed');
});
