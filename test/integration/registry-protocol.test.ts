import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { registryError } from '../../src/registry/index.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

let registry: TestRegistry;
const pushes: string[] = [];
before(async () => {
  registry = await startRegistry({
    limits: { manifestBytes: 20_000, blobBytes: 1_000_000, pageSize: 5 },
    onPush: async ({ repository, tag, previous }) => {
      if (tag === 'refused') throw registryError('REGISTRY_DENIED', 'no such tag, please');
      pushes.push(`${repository}:${tag} after ${previous?.slice(0, 12)}`);
    },
  });
});
after(() => registry.close());

const call = (method: string, path: string, body?: Uint8Array | string, headers: Record<string, string> = {}) =>
  fetch(`${registry.url}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) });

/** Status and the first error code of an answer. */
const verdict = async (answer: Response): Promise<string> => {
  const text = await answer.text();
  const code = text === '' ? '' : (JSON.parse(text) as { errors?: { code: string }[] }).errors?.[0]?.code;
  return `${answer.status} ${code ?? ''}`.trim();
};

const pushBlob = async (repository: string, bytes: Uint8Array): Promise<void> => {
  const answer = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`, bytes);
  assert.equal(answer.status, 201);
};

const manifestOf = (config: Uint8Array, layers: readonly Uint8Array[], more: object = {}): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(config), size: config.length },
    layers: layers.map((layer) => ({ mediaType: MediaType.layer, digest: digestOf(layer), size: layer.length })),
    ...more,
  });

const putManifest = (repository: string, reference: string, manifest: string, type: string = MediaType.manifest) =>
  call('PUT', `/v2/${repository}/manifests/${reference}`, manifest, { 'content-type': type });

const pushImage = async (repository: string, tag: string, content: string, more: object = {}): Promise<string> => {
  const [config, layer] = [Buffer.from('{}'), Buffer.from(content)];
  await pushBlob(repository, config);
  await pushBlob(repository, layer);
  const manifest = manifestOf(config, [layer], more);
  const answer = await putManifest(repository, tag, manifest);
  assert.equal(answer.status, 201, await answer.text());
  return manifest;
};

const begin = async (repository: string): Promise<string> => {
  const answer = await call('POST', `/v2/${repository}/blobs/uploads/`);
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('range'), '0-0');
  return answer.headers.get('location') as string;
};

test('the base path says what this is', async () => {
  for (const path of ['/v2/', '/v2']) {
    const answer = await call('GET', path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('docker-distribution-api-version'), 'registry/2.0');
  }
});

test('a pushed image comes back byte for byte, by tag and digest, with its headers', async () => {
  const manifest = await pushImage('team/app', 'v1', 'layer one');
  const digest = digestOf(manifest);
  for (const reference of ['v1', digest]) {
    const answer = await call('GET', `/v2/team/app/manifests/${reference}`);
    assert.equal(answer.headers.get('content-type'), MediaType.manifest);
    assert.equal(answer.headers.get('docker-content-digest'), digest);
    assert.equal(await answer.text(), manifest);
    const head = await call('HEAD', `/v2/team/app/manifests/${reference}`);
    assert.equal(head.headers.get('content-length'), String(manifest.length));
    assert.equal(head.headers.get('docker-content-digest'), digest);
  }
  const unchanged = await call('GET', '/v2/team/app/manifests/v1', undefined, { 'if-none-match': `"${digest}"` });
  assert.equal(unchanged.status, 304);
  const blob = await call('GET', `/v2/team/app/blobs/${digestOf('layer one')}`);
  assert.equal(blob.headers.get('content-length'), '9');
  assert.equal(await blob.text(), 'layer one');
  assert.ok(await registry.store.has(digest), 'the manifest lies in the shared store');
});

test('blobs are served in ranges', async () => {
  const bytes = randomBytes(100_000);
  await pushBlob('range/app', bytes);
  const path = `/v2/range/app/blobs/${digestOf(bytes)}`;
  for (const [range, from, to] of [
    ['bytes=10-19', 10, 20],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=-5', 99_995, 100_000],
    ['bytes=99990-200000', 99_990, 100_000],
  ] as const) {
    const answer = await call('GET', path, undefined, { range });
    assert.equal(answer.status, 206);
    assert.equal(answer.headers.get('content-range'), `bytes ${from}-${to - 1}/100000`);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes.subarray(from, to));
  }
  const outside = await call('GET', path, undefined, { range: 'bytes=100000-' });
  assert.equal(outside.status, 416);
  assert.equal(outside.headers.get('content-range'), 'bytes */100000');
  assert.equal((await call('GET', path, undefined, { range: 'bytes=9-3' })).status, 416);
  for (const range of ['bytes=1-2,5-6', 'lines=1-2']) {
    assert.equal((await call('GET', path, undefined, { range })).status, 200);
  }
  const head = await call('HEAD', path);
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '100000']);
  await pushBlob('range/app', new Uint8Array());
  const empty = await call('GET', `/v2/range/app/blobs/${digestOf('')}`);
  assert.deepEqual([empty.status, await empty.text()], [200, '']);
});

test('a chunked upload: status between, chunks in order, digest at the end', async () => {
  const bytes = randomBytes(50_000);
  const location = await begin('chunk/app');
  const send = (from: number, to: number) =>
    call('PATCH', location, bytes.subarray(from, to), {
      'content-type': 'application/octet-stream',
      'content-range': `${from}-${to - 1}`,
    });
  assert.equal((await send(0, 20_000)).headers.get('range'), '0-19999');
  const early = await send(30_000, 40_000);
  assert.equal(early.headers.get('range'), '0-19999');
  assert.equal(await verdict(early), '416 BLOB_UPLOAD_INVALID');
  assert.equal(await verdict(await send(0, 20_000)), '416 BLOB_UPLOAD_INVALID');
  const status = await call('GET', location);
  assert.deepEqual([status.status, status.headers.get('range')], [204, '0-19999']);
  assert.equal((await send(20_000, 40_000)).status, 202);
  const done = await call('PUT', `${location}?digest=${digestOf(bytes)}`, bytes.subarray(40_000), {
    'content-range': '40000-49999',
  });
  assert.equal(done.status, 201, await done.text());
  assert.equal(done.headers.get('docker-content-digest'), digestOf(bytes));
  assert.equal(await verdict(await call('GET', location)), '404 BLOB_UPLOAD_UNKNOWN');
});

test('a chunk whose headers disagree, or cannot be read, is refused and the upload goes on', async () => {
  const location = await begin('chunk/bad');
  for (const range of ['0-99', 'x', '5-2']) {
    const answer = await call('PATCH', location, Buffer.alloc(10), { 'content-range': range });
    assert.equal(await verdict(answer), '400 BLOB_UPLOAD_INVALID');
  }
  const done = await call('PUT', `${location}?digest=${digestOf('whole')}`, 'whole');
  assert.equal(done.status, 201);
});

test('a broken connection keeps what came, and the client goes on from there', async () => {
  const bytes = randomBytes(60_000);
  const location = await begin('resume/app');
  const socket = connect(Number(new URL(registry.url).port), '127.0.0.1');
  socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n`);
  socket.write(bytes.subarray(0, 25_000));
  const sizeNow = async (): Promise<number> =>
    Number((await call('GET', location)).headers.get('range')?.split('-')[1]) + 1;
  while ((await sizeNow()) < 25_000) await sleep(5);
  socket.destroy();
  let answer: Response;
  do {
    await sleep(5);
    answer = await call('PATCH', location, bytes.subarray(25_000), { 'content-range': '25000-59999' });
  } while (answer.status === 400);
  assert.equal(answer.status, 202);
  assert.equal((await call('PUT', `${location}?digest=${digestOf(bytes)}`)).status, 201);
});

test('wrong digests keep nothing, in every way to push', async () => {
  const wrong = digestOf('something else');
  const single = await call('POST', `/v2/wrong/app/blobs/uploads/?digest=${wrong}`, 'the bytes');
  assert.equal(await verdict(single), '400 DIGEST_INVALID');
  const location = await begin('wrong/app');
  assert.equal(await verdict(await call('PUT', `${location}?digest=${wrong}`, 'the bytes')), '400 DIGEST_INVALID');
  const again = await begin('wrong/app');
  assert.equal(await verdict(await call('PUT', `${again}?digest=md5:1234`, 'x')), '400 DIGEST_INVALID');
  assert.equal(await verdict(await call('PUT', again, 'x')), '400 DIGEST_INVALID');
  assert.equal((await call('DELETE', again)).status, 204);
  assert.equal(await registry.store.has(wrong), false);
  assert.equal(await registry.store.has(digestOf('the bytes')), false);
  const manifest = await pushImage('wrong/app', 'v1', 'fine');
  assert.equal(await verdict(await putManifest('wrong/app', wrong, manifest)), '400 DIGEST_INVALID');
});

test('sha512 is a digest too', async () => {
  const sha512 = `sha512:${createHash('sha512').update('five twelve').digest('hex')}`;
  assert.equal((await call('POST', `/v2/long/app/blobs/uploads/?digest=${sha512}`, 'five twelve')).status, 201);
  assert.equal(await (await call('GET', `/v2/long/app/blobs/${sha512}`)).text(), 'five twelve');
});

test('over a limit: 413, and the store keeps nothing', async () => {
  const big = Buffer.alloc(1_000_001);
  const answer = await call('POST', `/v2/big/app/blobs/uploads/?digest=${digestOf(big)}`, big);
  assert.equal(await verdict(answer), '413 SIZE_INVALID');
  const manifest = manifestOf(Buffer.from('{}'), [], { annotations: { pad: 'x'.repeat(20_000) } });
  assert.equal(await verdict(await putManifest('big/app', 'v1', manifest)), '413 SIZE_INVALID');
  const scratch = await readdir(join(registry.folder, 'store', '.scratch'));
  assert.equal(await registry.store.has(digestOf(big)), false);
  assert.deepEqual(scratch, []);
});

test('parallel uploads of one blob all succeed', async () => {
  const bytes = randomBytes(300_000);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      call('POST', `/v2/parallel/app${index % 3}/blobs/uploads/?digest=${digestOf(bytes)}`, bytes),
    ),
  );
  assert.ok(answers.every(({ status }) => status === 201));
  for (const name of ['app0', 'app1', 'app2']) {
    const back = await call('GET', `/v2/parallel/${name}/blobs/${digestOf(bytes)}`);
    assert.deepEqual(Buffer.from(await back.arrayBuffer()), bytes);
  }
});

test('a mount links the blob; without the right source it falls back to an upload', async () => {
  await pushBlob('mount/from', Buffer.from('shared'));
  const digest = digestOf('shared');
  const mount = (query: string) => call('POST', `/v2/mount/to/blobs/uploads/?${query}`);
  assert.equal((await mount(`mount=${digest}&from=mount/other`)).status, 202);
  assert.equal((await mount(`mount=${digestOf('nowhere')}`)).status, 202);
  assert.equal(await verdict(await mount('mount=nonsense&from=mount/from')), '400 DIGEST_INVALID');
  assert.equal((await call('HEAD', `/v2/mount/to/blobs/${digest}`)).status, 404);
  const done = await mount(`mount=${digest}&from=mount/from`);
  assert.deepEqual([done.status, done.headers.get('location')], [201, `/v2/mount/to/blobs/${digest}`]);
  assert.equal((await call('HEAD', `/v2/mount/to/blobs/${digest}`)).status, 200);
});

test('a blob is served by repositories that have it, not by the others', async () => {
  await pushBlob('private/one', Buffer.from('mine'));
  assert.equal(await verdict(await call('GET', `/v2/private/two/blobs/${digestOf('mine')}`)), '404 BLOB_UNKNOWN');
});

test('a manifest needs its blobs, with the sizes it says, in its own repository', async () => {
  const [config, layer] = [Buffer.from('{}'), Buffer.from('a layer')];
  await pushBlob('check/app', config);
  const manifest = manifestOf(config, [layer]);
  assert.equal(await verdict(await putManifest('check/app', 'v1', manifest)), '404 MANIFEST_BLOB_UNKNOWN');
  await pushBlob('check/other', layer);
  assert.equal(await verdict(await putManifest('check/app', 'v1', manifest)), '404 MANIFEST_BLOB_UNKNOWN');
  await pushBlob('check/app', layer);
  const lying = manifest.replace('"size":7', '"size":8');
  assert.equal(await verdict(await putManifest('check/app', 'v1', lying)), '400 MANIFEST_INVALID');
  assert.equal((await putManifest('check/app', 'v1', manifest)).status, 201);
});

test('an index may name manifests of platforms that are not here', async () => {
  const manifest = await pushImage('multi/app', 'amd64', 'for amd64');
  const index = (digest: string, size: number): string =>
    JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: MediaType.manifest, digest, size }] });
  const missing = await putManifest('multi/app', 'all', index(digestOf('none'), 4), MediaType.index);
  assert.equal(missing.status, 201);
  const lying = await putManifest('multi/app', 'all', index(digestOf(manifest), 4), MediaType.index);
  assert.equal(await verdict(lying), '400 MANIFEST_INVALID');
  const good = index(digestOf(manifest), manifest.length);
  assert.equal((await putManifest('multi/app', 'all', good, MediaType.index)).status, 201);
  assert.equal((await call('GET', '/v2/multi/app/manifests/all')).headers.get('content-type'), MediaType.index);
});

test('what is no manifest of a type we serve is refused', async () => {
  const good = manifestOf(Buffer.from('{}'), []);
  await pushBlob('refuse/app', Buffer.from('{}'));
  for (const [body, type] of [
    ['not json', MediaType.manifest],
    ['[]', MediaType.manifest],
    ['null', MediaType.manifest],
    ['{"schemaVersion":1}', 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    [good, 'text/html'],
    [good, MediaType.index],
    [good.replace(digestOf('{}'), 'sha256:../../etc/passwd'), MediaType.manifest],
    [good.replace('"layers":[]', '"layers":{}'), MediaType.manifest],
    [good.replace('"layers":[]', '"layers":[null]'), MediaType.manifest],
    [good.replace('"layers":[]', '"layers":[],"annotations":{"a":1}'), MediaType.manifest],
    [good.replace('"size":2', '"size":-2'), MediaType.manifest],
  ] as const) {
    assert.equal(await verdict(await putManifest('refuse/app', 'v1', body, type)), '400 MANIFEST_INVALID', body);
  }
});

test('names, tags and digests that break the grammar, and path tricks, are refused', async () => {
  const raw = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(registry.url).port), '127.0.0.1');
      let text = '';
      socket.on('data', (data) => {
        text += data.toString();
      });
      socket.on('end', () => resolve(text.slice(9, 12)));
      socket.on('error', reject);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
  for (const path of [
    '/v2/UPPER/manifests/v1',
    '/v2/a/../../b/manifests/v1',
    '/v2/%2e%2e/%2e%2e/manifests/v1',
    '/v2/a%2f..%2fb/manifests/v1',
    '/v2/a//b/manifests/v1',
    '/v2/-a/tags/list',
    '/v2/a/manifests/.v1',
    `/v2/a/manifests/${'t'.repeat(129)}`,
    '/v2/a/blobs/sha256:1234',
    '/v2/a/manifests/sha256:zz',
    '/v2/a%ff/tags/list',
    `/v2/${'n'.repeat(300)}/tags/list`,
  ]) {
    assert.equal(await raw(path), '400', path);
  }
  assert.equal(await raw('/v2/a/blobs/..%2f..%2foci-layout'), '400');
  assert.equal(await raw('/v2/a%2fb/tags/list'), '400', 'a proxy before us would see another name');
  assert.equal(await raw('/v2/blobs/manifests/manifests/v1'), '404', 'a good name made of endpoint words');
  assert.equal(await verdict(await call('GET', '/v2/a/nothing/here')), '404 NAME_UNKNOWN');
  assert.equal(await verdict(await call('POST', '/v2/a/manifests/v1', '{}')), '405 UNSUPPORTED');
});

test('tags and the catalog come in pages with a link to the next', async () => {
  for (const tag of ['c', 'a', 'e', 'b', 'd', 'f']) await pushImage('page/app', tag, 'same');
  const answer = await call('GET', '/v2/page/app/tags/list?n=2&last=a');
  assert.deepEqual(await answer.json(), { name: 'page/app', tags: ['b', 'c'] });
  assert.equal(answer.headers.get('link'), '</v2/page/app/tags/list?n=2&last=c>; rel="next"');
  const most = await call('GET', '/v2/page/app/tags/list?n=1000');
  assert.equal(((await most.json()) as { tags: string[] }).tags.length, 5, 'the page size is a limit');
  const last = await call('GET', '/v2/page/app/tags/list?n=5&last=a');
  assert.equal(last.headers.get('link'), null);
  assert.deepEqual(await (await call('GET', '/v2/page/app/tags/list?n=0')).json(), { name: 'page/app', tags: [] });
  assert.equal(await verdict(await call('GET', '/v2/page/app/tags/list?n=-1')), '400 PAGINATION_NUMBER_INVALID');
  assert.equal(await verdict(await call('GET', '/v2/page/none/tags/list')), '404 NAME_UNKNOWN');
  const catalog = (await (await call('GET', '/v2/_catalog?n=1&last=page')).json()) as { repositories: string[] };
  assert.deepEqual(catalog, { repositories: ['page/app'] });
});

test('referrers: listed by subject, filtered by artifact type', async () => {
  const image = await pushImage('refer/app', 'v1', 'signed');
  const subject = { mediaType: MediaType.manifest, digest: digestOf(image), size: image.length };
  const config = Buffer.from('{}');
  const signature = manifestOf(config, [], { subject, artifactType: 'application/x-sig', annotations: { by: 'me' } });
  const pushed = await putManifest('refer/app', digestOf(signature), signature);
  assert.equal(pushed.headers.get('oci-subject'), subject.digest);
  const list = async (query: string): Promise<{ manifests: { artifactType: string; annotations?: object }[] }> =>
    (await (await call('GET', `/v2/refer/app/referrers/${subject.digest}${query}`)).json()) as never;
  assert.deepEqual((await list('')).manifests[0]?.annotations, { by: 'me' });
  assert.equal((await list('?artifactType=application/x-sig')).manifests.length, 1);
  const other = await call('GET', `/v2/refer/app/referrers/${subject.digest}?artifactType=other`);
  assert.equal(other.headers.get('oci-filters-applied'), 'artifactType');
  assert.equal(other.headers.get('content-type'), MediaType.index);
  assert.deepEqual(((await other.json()) as { manifests: [] }).manifests, []);
  assert.equal((await call('GET', `/v2/refer/none/referrers/${subject.digest}`)).status, 200);
});

test('tags, manifests and blobs can be deleted', async () => {
  const manifest = await pushImage('gone/app', 'v1', 'goes');
  await putManifest('gone/app', 'v2', manifest);
  assert.equal((await call('DELETE', '/v2/gone/app/manifests/v1')).status, 202);
  assert.equal(await verdict(await call('GET', '/v2/gone/app/manifests/v1')), '404 MANIFEST_UNKNOWN');
  assert.equal((await call('GET', '/v2/gone/app/manifests/v2')).status, 200);
  assert.equal((await call('DELETE', `/v2/gone/app/manifests/${digestOf(manifest)}`)).status, 202);
  assert.equal((await call('GET', '/v2/gone/app/manifests/v2')).status, 404);
  assert.equal((await call('DELETE', `/v2/gone/app/manifests/${digestOf(manifest)}`)).status, 404);
  assert.equal((await call('DELETE', `/v2/gone/app/blobs/${digestOf('goes')}`)).status, 202);
  assert.equal(await verdict(await call('DELETE', `/v2/gone/app/blobs/${digestOf('goes')}`)), '404 BLOB_UNKNOWN');
});

test('the push hook sees tag and predecessor, and can refuse', async () => {
  await pushImage('hook/app', 'v1', 'first');
  await pushImage('hook/app', 'v1', 'second');
  assert.deepEqual(
    pushes.filter((line) => line.startsWith('hook/')).map((line) => line.replace(/sha256:.*/, 'one')),
    ['hook/app:v1 after undefined', 'hook/app:v1 after one'],
  );
  const again = (await (await call('GET', '/v2/hook/app/manifests/v1')).text()) as string;
  assert.equal(await verdict(await putManifest('hook/app', 'refused', again)), '403 DENIED');
  assert.equal((await call('GET', '/v2/hook/app/manifests/refused')).status, 404);
});

test('access: an authorizer says no with a challenge, and guards the source of a mount', async () => {
  const guarded = await startRegistry({
    authorize: async (request, { action, repository }) => {
      if (repository === 'secret' && request.headers.authorization !== 'Basic b2s=') {
        throw registryError('REGISTRY_UNAUTHORIZED', `${action} needs an account`, {
          details: { challenge: 'Basic realm="heraklit"' },
        });
      }
    },
  });
  try {
    const digest = digestOf('hidden');
    const headers = { authorization: 'Basic b2s=' };
    const push = `${guarded.url}/v2/secret/blobs/uploads/?digest=${digest}`;
    assert.equal((await fetch(push, { method: 'POST', body: 'hidden', headers })).status, 201);
    const no = await fetch(`${guarded.url}/v2/secret/blobs/${digest}`);
    assert.equal(no.headers.get('www-authenticate'), 'Basic realm="heraklit"');
    assert.equal(await verdict(no), '401 UNAUTHORIZED');
    const mount = `${guarded.url}/v2/open/blobs/uploads/?mount=${digest}&from=secret`;
    assert.equal((await fetch(mount, { method: 'POST' })).status, 202);
    assert.equal((await fetch(mount, { method: 'POST', headers })).status, 201);
  } finally {
    await guarded.close();
  }
});

test('uploads are limited in number and dropped when nobody goes on', async () => {
  const small = await startRegistry({ limits: { uploads: 2 } });
  try {
    const start = () => fetch(`${small.url}/v2/a/blobs/uploads/`, { method: 'POST' });
    assert.equal((await start()).status, 202);
    assert.equal((await start()).status, 202);
    assert.equal(await verdict(await start()), '429 TOOMANYREQUESTS');
  } finally {
    await small.close();
  }
});

test('a blob that vanished from the store is unknown, and the log says so', async () => {
  const lines: string[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (message: string) => void lines.push(message) };
  const holed = await startRegistry({ log });
  try {
    const digest = digestOf('soon gone');
    await fetch(`${holed.url}/v2/a/blobs/uploads/?digest=${digest}`, { method: 'POST', body: 'soon gone' });
    await holed.store.delete(digest);
    assert.equal(await verdict(await fetch(`${holed.url}/v2/a/blobs/${digest}`)), '404 BLOB_UNKNOWN');
    assert.equal(lines.length, 1);
  } finally {
    await holed.close();
  }
});
