import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type RequestListener, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { isHeraklitError, silentLog } from '../../../base/index.ts';
import { createAuthority } from './certificates.ts';
import { type ContentStore, openContentStore } from './content-store.ts';
import { completeContent, createLockedSnapshot } from './locked.ts';
import { startSnapshotProxy } from './proxy.ts';
import { createRecorder } from './record.ts';
import type { LockedResource, Snapshot } from './types.ts';
import { fetchUpstream } from './upstream.ts';
import { verifyResources } from './verify.ts';

const route = (url: URL): readonly URL[] => [url];

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'snapshot-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server that counts what it is asked. */
async function serve(context: TestContext, listener: RequestListener) {
  const asked: string[] = [];
  const server = createServer((message, response) => {
    asked.push(`${message.method} ${message.url}`);
    listener(message, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  context.after(close);
  return { origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked, close };
}

interface Asked {
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

/** What a client behind the proxy gets. */
function ask(socket: string, url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: socket, path: url, method, headers }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => {
        body += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, location: answer.headers.location }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

async function behind(context: TestContext, snapshot: Snapshot, folder: string): Promise<string> {
  const socket = join(folder, `${Math.random()}.sock`);
  const proxy = await startSnapshotProxy(socket, snapshot, createAuthority());
  context.after(() => proxy.close());
  return socket;
}

test('the first build is recorded, once for each URL; a later one needs nobody', async (context) => {
  const folder = await folderOf(context);
  const content = openContentStore(join(folder, 'content'));
  const upstream = await serve(context, (message, response) => {
    if (message.url === '/a/moved') response.writeHead(302, { location: '/a/x' }).end();
    else if (message.url === '/a/none') response.writeHead(404).end('no');
    else response.writeHead(200, { 'content-type': 'text/x' }).end(`content of ${message.url}`);
  });
  const { origin } = upstream;
  const recorder = createRecorder({ content, fetch: fetchUpstream, allowed: [`${origin}/a`], route });
  const recording = await behind(context, recorder, folder);
  const [one, two] = await Promise.all([ask(recording, `${origin}/a/x`), ask(recording, `${origin}/a/x`)]);
  assert.deepEqual(
    [one, two].map(({ status, body }) => [status, body]),
    [
      [200, 'content of /a/x'],
      [200, 'content of /a/x'],
    ],
  );
  await ask(recording, `${origin}/a/head`, 'HEAD');
  assert.equal((await ask(recording, `${origin}/a/moved`)).location, '/a/x');
  assert.equal((await ask(recording, `${origin}/a/none`)).status, 404);
  assert.equal((await ask(recording, `${origin}/other`)).status, 403);
  assert.equal((await ask(recording, `${origin}/ab`)).status, 403);
  assert.equal((await ask(recording, `${origin}/a/x`, 'POST')).status, 403);
  assert.equal((await ask(recording, `${origin}/debian/dists/x/InRelease`)).status, 403);
  assert.equal((await ask(recording, '/not-a-proxy-request')).status, 400);
  assert.equal(upstream.asked.length, 4, upstream.asked.join());
  const refused = recorder.refusals().map(({ what }) => what.replace(origin, ''));
  assert.deepEqual(refused.slice(0, 4), ['GET /other', 'GET /ab', 'POST /a/x', 'GET /debian/dists/x/InRelease']);

  await upstream.close();
  const resources = recorder.resources();
  assert.deepEqual(
    resources.map(({ url, status = 200 }) => [url.replace(origin, ''), status]),
    [
      ['/a/head', 200],
      ['/a/moved', 302],
      ['/a/none', 404],
      ['/a/x', 200],
    ],
  );
  const locked = createLockedSnapshot({ resources, content });
  const socket = await behind(context, locked, folder);
  assert.equal((await ask(socket, `${origin}/a/x`)).body, 'content of /a/x');
  assert.equal((await ask(socket, `${origin}/a/moved`)).location, '/a/x');
  const { status, body } = await ask(socket, `${origin}/a/new`);
  assert.equal(status, 403);
  assert.match(body, /heraklit refused GET .*\/a\/new: the lock does not have it/);
  assert.deepEqual(
    locked.refusals().map(({ what }) => what),
    [`GET ${origin}/a/new`],
  );
});

test('what clients encrypt ends at the proxy and is answered like the rest; who does not believe it is told of', async (context) => {
  const folder = await folderOf(context);
  const content = openContentStore(join(folder, 'content'));
  const writer = await content.begin();
  await writer.write(Buffer.from('inside'));
  const { sha256, size } = await writer.commit();
  const snapshot = createLockedSnapshot({
    content,
    resources: [{ url: 'https://registry.example.com/x', size, sha256, by: 'https' }],
  });
  const authority = createAuthority();
  const socket = join(folder, 'proxy.sock');
  const proxy = await startSnapshotProxy(socket, snapshot, authority);
  context.after(() => proxy.close());
  const tunnel = (ca: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: socket, method: 'CONNECT', path: 'registry.example.com:443' });
      outgoing.on('connect', (_answer, raw) => {
        const secure = connectTls({ socket: raw, servername: 'registry.example.com', ca });
        let text = '';
        secure.on('data', (chunk) => {
          text += chunk;
        });
        secure.on('error', reject);
        secure.on('end', () => resolve(text));
        secure.write('GET /x HTTP/1.1\r\nHost: registry.example.com\r\nConnection: close\r\n\r\n');
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  assert.match(await tunnel([authority.certificate]), /200 OK[\s\S]*inside/);
  await assert.rejects(tunnel([createAuthority().certificate]));
  for (let tries = 0; snapshot.refusals().length === 0 && tries < 1000; tries += 1) await sleep(10);
  assert.match(snapshot.refusals()[0]?.why ?? '', /did not believe/);
});

test('an answer that breaks off is not kept, and the client notices', async (context) => {
  const folder = await folderOf(context);
  const content = openContentStore(join(folder, 'content'));
  const { origin } = await serve(context, (_message, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('only this', () => response.destroy());
  });
  const recorder = createRecorder({ content, fetch: fetchUpstream, allowed: [origin], route });
  const socket = await behind(context, recorder, folder);
  await assert.rejects(ask(socket, `${origin}/x`));
  assert.deepEqual(recorder.resources(), []);
  assert.deepEqual(await readdir(join(folder, 'content', 'partial')), []);
});

const put = async (
  content: ContentStore,
  text: string,
): Promise<{ readonly sha256: string; readonly size: number }> => {
  const writer = await content.begin();
  await writer.write(Buffer.from(text));
  return writer.commit();
};

test('locked content that is not here is fetched and believed only as locked; offline it is an error', async (context) => {
  const folder = await folderOf(context);
  const { origin } = await serve(context, (message, response) =>
    response.end(message.url === '/good' ? 'good' : 'other'),
  );
  const sha256 = createHash('sha256').update('good').digest('hex');
  const locked = (path: string): LockedResource => ({ url: origin + path, size: 4, sha256, by: 'nobody' });
  const content = openContentStore(join(folder, 'content'));
  const missing = (error: unknown): boolean => isHeraklitError(error, 'REBUILD_SNAPSHOT_MISSING');
  const options = { content, route };
  await assert.rejects(completeContent({ ...options, resources: [locked('/good')], fetch: undefined }), missing);
  await assert.rejects(completeContent({ ...options, resources: [locked('/bad')], fetch: fetchUpstream }), missing);
  await completeContent({ ...options, resources: [locked('/good')], fetch: fetchUpstream });
  assert.equal(await content.size(sha256), 4);
  await completeContent({ ...options, resources: [locked('/good')], fetch: undefined });
});

test('files of npm and Python indexes are held against the hashes that these name', async (context) => {
  const content = openContentStore(await folderOf(context));
  const tarball = await put(content, 'tarball');
  const integrity = `sha512-${createHash('sha512').update('tarball').digest('base64')}`;
  const packument = { versions: { 1: { dist: { tarball: 'https://r.example.com/a/-/a-1.tgz', integrity } } } };
  const document = await put(content, JSON.stringify(packument));
  const page = await put(content, `<a href="../../a-1.whl#sha256=${tarball.sha256}">a</a>`);
  const resources = (
    wheel: { sha256: string; size: number },
    tgz: { sha256: string; size: number },
  ): LockedResource[] => [
    { url: 'https://r.example.com/a', type: 'application/json', ...document, by: 'https' },
    { url: 'https://r.example.com/a/-/a-1.tgz', ...tgz, by: 'https' },
    { url: 'http://p.example.com/simple/a/', type: 'text/html; charset=utf-8', ...page, by: 'nobody' },
    { url: 'http://p.example.com/a-1.whl', ...wheel, by: 'nobody' },
  ];
  const verified = await verifyResources(resources(tarball, tarball), content, [], silentLog);
  assert.deepEqual(
    verified.map(({ by }) => by),
    ['https', 'npm integrity by https', 'nobody', 'Python index'],
  );
  const other = await put(content, 'another');
  for (const changed of [resources(other, tarball), resources(tarball, other)]) {
    await assert.rejects(verifyResources(changed, content, [], silentLog), (error) =>
      isHeraklitError(error, 'REBUILD_SNAPSHOT_UNVERIFIED'),
    );
  }
});
