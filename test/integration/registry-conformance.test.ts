/** What the OCI distribution specification (1.1, and its additions since) leaves to registries and we promise. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { type RegistryServerOptions, registryError } from '../../src/registry/index.ts';
import { type Calls, callsTo, manifestOf, verdict } from './registry-calls.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

let registry: TestRegistry;
let calls: Calls;
before(async () => {
  registry = await startRegistry({ limits: { referrersBytes: 2_000, pageSize: 4, tagParameters: 10 } });
  calls = callsTo(registry.url);
});
after(() => registry.close());

const EMPTY = Buffer.from('{}');
const sha512 = (bytes: string | Uint8Array): string => `sha512:${createHash('sha512').update(bytes).digest('hex')}`;

const using = async (
  options: Parameters<typeof startRegistry>[0],
  work: (calls: Calls, registry: TestRegistry) => Promise<void>,
): Promise<void> => {
  const own = await startRegistry(options);
  try {
    await work(callsTo(own.url), own);
  } finally {
    await own.close();
  }
};

test('a manifest pushed by digest sets the tags of its query, and says which', async () => {
  const { call, putManifest, pushBlob } = calls;
  await pushBlob('tagged/app', EMPTY);
  const manifest = manifestOf(EMPTY, []);
  for (const [digest, tags] of [
    [digestOf(manifest), ['1.2.3', '1.2', '1', 'latest']],
    [sha512(manifest), ['five', 'twelve']],
  ] as const) {
    const query = tags.map((tag) => `tag=${tag}`).join('&');
    const pushed = await putManifest('tagged/app', `${digest}?${query}`, manifest);
    assert.equal(pushed.status, 201);
    assert.deepEqual(pushed.headers.get('oci-tag')?.split(', '), tags);
    assert.equal(pushed.headers.get('docker-content-digest'), digest);
    for (const tag of tags) {
      const head = await call('HEAD', `/v2/tagged/app/manifests/${tag}`);
      assert.equal(head.headers.get('docker-content-digest'), digest);
    }
  }
  const bad = await putManifest('tagged/app', `${digestOf(manifest)}?tag=fine&tag=..%20`, manifest);
  assert.equal(await verdict(bad), '400 MANIFEST_INVALID');
  assert.equal((await call('HEAD', '/v2/tagged/app/manifests/fine')).status, 404, 'all tags or none');
  const many = Array.from({ length: 11 }, (_, index) => `tag=t${index}`).join('&');
  assert.equal(
    await verdict(await putManifest('tagged/app', `${digestOf(manifest)}?${many}`, manifest)),
    '414 SIZE_INVALID',
  );
  const unknown = await putManifest('tagged/app', 'v9?ns=upstream.example&whatever=1', manifest);
  assert.deepEqual([unknown.status, unknown.headers.get('oci-tag')], [201, null]);
});

test('a chunk out of order leaves the upload as it was, also in the closing PUT', async () => {
  const { call } = calls;
  const bytes = randomBytes(5_000);
  const location = (await call('POST', '/v2/order/app/blobs/uploads/?digest-algorithm=sha512')).headers.get('location');
  assert.ok(location);
  await call('PATCH', location, bytes.subarray(0, 2_000), { 'content-range': '0-1999' });
  const early = await call('PUT', `${location}?digest=${sha512(bytes)}`, bytes.subarray(3_000), {
    'content-range': '3000-4999',
  });
  assert.equal(await verdict(early), '416 BLOB_UPLOAD_INVALID');
  const status = await call('GET', location);
  assert.deepEqual([status.status, status.headers.get('range')], [204, '0-1999']);
  const done = await call('PUT', `${location}?digest=${sha512(bytes)}`, bytes.subarray(2_000), {
    'content-range': '2000-4999',
  });
  assert.equal(done.status, 201);
  assert.equal((await call('HEAD', done.headers.get('location') ?? '')).headers.get('content-length'), '5000');
  const unknown = await call('POST', '/v2/order/app/blobs/uploads/?digest-algorithm=md5');
  assert.equal(await verdict(unknown), '400 DIGEST_INVALID');
});

test('a blob is mounted without saying where from, if the client may read one of its repositories', async () => {
  const may = async (request: { headers: Record<string, unknown> }, access: { repository: string | undefined }) => {
    if (access.repository?.startsWith('secret') && request.headers.authorization !== 'Basic b2s=') {
      throw registryError('REGISTRY_DENIED', 'no');
    }
  };
  await using({ authorize: may as never }, async ({ call }) => {
    const digest = digestOf('found by digest');
    const authorization = { authorization: 'Basic b2s=' };
    const mount = (headers = {}) => call('POST', `/v2/any/where/blobs/uploads/?mount=${digest}`, undefined, headers);
    assert.equal((await mount()).status, 202, 'nobody has it');
    await call('POST', `/v2/secret/app/blobs/uploads/?digest=${digest}`, 'found by digest', authorization);
    assert.equal((await mount()).status, 202, 'a digest is no right to read');
    const done = await mount(authorization);
    assert.deepEqual([done.status, done.headers.get('location')], [201, `/v2/any/where/blobs/${digest}`]);
    assert.equal((await call('HEAD', `/v2/any/where/blobs/${digest}`)).status, 200);
  });
});

test('a mount asks for a token for both repositories, and is an upload for who may not read the source', async () => {
  const authorize: RegistryServerOptions['authorize'] = async ({ headers }, { repository, beside }) => {
    const token = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1]?.split(',') ?? [];
    if (repository === undefined || token.includes(repository)) return;
    if (repository === 'mount/forbidden') throw registryError('REGISTRY_DENIED', 'no');
    const challenge = `Bearer realm="x",scope="${[repository, beside?.repository].filter(Boolean).join(' ')}"`;
    throw registryError('REGISTRY_UNAUTHORIZED', 'another token, please', { details: { challenge } });
  };
  await using({ authorize }, async ({ call }) => {
    const digest = digestOf('for two');
    for (const source of ['mount/source', 'mount/forbidden']) {
      const owner = { authorization: `Bearer ${source}` };
      await call('POST', `/v2/${source}/blobs/uploads/?digest=${digest}`, 'for two', owner);
    }
    const mount = (token: string | undefined, from: string) =>
      call('POST', `/v2/mount/target/blobs/uploads/?mount=${digest}&from=${from}`, undefined, {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      });
    for (const token of [undefined, 'mount/target']) {
      const asked = await mount(token, 'mount/source');
      assert.equal(asked.status, 401);
      const scopes = /scope="(.*)"/.exec(asked.headers.get('www-authenticate') ?? '')?.[1]?.split(' ');
      assert.deepEqual(scopes?.sort(), ['mount/source', 'mount/target'], 'one token does for both');
    }
    assert.equal((await mount('mount/target,mount/source', 'mount/source')).status, 201);
    assert.equal((await mount('mount/target', 'mount/forbidden')).status, 202);
    assert.equal((await mount('mount/target', 'mount/nothing')).status, 202, 'nothing there to ask for');
  });
});

test('a conditional push moves a tag only from what the client saw', async () => {
  const { call, pushBlob } = calls;
  await pushBlob('when/app', EMPTY);
  const [one, two] = ['one', 'two'].map((is) => manifestOf(EMPTY, [], { annotations: { is } })) as [string, string];
  const put = async (manifest: string, condition: Record<string, string>) => {
    const headers = { 'content-type': MediaType.manifest, ...condition };
    return verdict(await call('PUT', '/v2/when/app/manifests/v1', manifest, headers));
  };
  assert.equal(await put(one, { 'if-match': '*' }), '412 DENIED', 'no such tag yet');
  assert.equal(await put(one, { 'if-none-match': '*' }), '201');
  assert.equal(await put(two, { 'if-none-match': '*' }), '412 DENIED');
  assert.equal(await put(two, { 'if-match': `"${digestOf(two)}"` }), '412 DENIED');
  assert.equal(await put(two, { 'if-match': `W/"${digestOf(one)}"` }), '412 DENIED', 'a weak tag matches nothing here');
  assert.equal(await put(two, { 'if-match': `"x", "${digestOf(one)}"` }), '201');
  const gone = (tag: string) => call('DELETE', '/v2/when/app/manifests/v1', undefined, { 'if-match': `"${tag}"` });
  assert.equal((await gone(digestOf(one))).status, 412);
  assert.equal((await gone(digestOf(two))).status, 202);
  const racing = await Promise.all([one, two].map((manifest) => put(manifest, { 'if-none-match': '*' })));
  assert.deepEqual(racing.sort(), ['201', '412 DENIED'], 'one of two that both saw nothing');
});

test('conditional reads: lists and weak tags of If-None-Match, parts only of what If-Range names', async () => {
  const { call, pushBlob } = calls;
  const bytes = randomBytes(100);
  await pushBlob('cached/app', bytes);
  const path = `/v2/cached/app/blobs/${digestOf(bytes)}`;
  const status = async (headers: Record<string, string>) => (await call('GET', path, undefined, headers)).status;
  const etag = (await call('HEAD', path)).headers.get('etag') ?? '';
  for (const header of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    assert.equal(await status({ 'if-none-match': header }), 304, header);
  }
  assert.equal(await status({ 'if-none-match': '"other"' }), 200);
  assert.equal(await status({ range: 'bytes=0-9', 'if-range': etag }), 206);
  assert.equal(await status({ range: 'bytes=0-9', 'if-range': '"other"' }), 200);
  assert.equal(await status({ range: 'bytes=0-9', 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' }), 200);
  const outside = await call('GET', path, undefined, { range: 'bytes=500-' });
  assert.deepEqual([outside.status, outside.headers.get('cache-control')], [416, null], 'no cache keeps a refusal');
});

test('referrers come in pages by number and by bytes, the filter kept in the link', async () => {
  const { call, pushBlob, putManifest } = calls;
  await pushBlob('refer/app', EMPTY);
  const subject = { mediaType: MediaType.manifest, digest: digestOf('not pushed yet'), size: 14 };
  const pushed = new Set<string>();
  for (const [count, pad] of [
    [6, 10],
    [2, 5_000],
  ] as const) {
    for (let index = 0; index < count; index += 1) {
      const annotations = { index: String(index), pad: 'x'.repeat(pad) };
      const text = manifestOf(EMPTY, [], { subject, artifactType: 'application/x-sig', annotations });
      const answer = await putManifest('refer/app', digestOf(text), text);
      assert.deepEqual([answer.status, answer.headers.get('oci-subject')], [201, subject.digest]);
      pushed.add(digestOf(text));
    }
  }
  const list = JSON.stringify({ schemaVersion: 2, manifests: [], subject });
  assert.equal((await putManifest('refer/app', digestOf(list), list, MediaType.index)).status, 201);
  for (const [query, wanted] of [
    ['', 9],
    ['?artifactType=application%2Fx-sig', 8],
  ] as const) {
    const found: { digest: string; artifactType?: string }[] = [];
    let next: string | undefined = `/v2/refer/app/referrers/${subject.digest}${query}`;
    let pages = 0;
    for (; next !== undefined; pages += 1) {
      const answer: Response = await call('GET', next);
      assert.equal(answer.headers.get('content-type'), MediaType.index);
      assert.equal(answer.headers.get('oci-filters-applied'), query === '' ? null : 'artifactType');
      const page = (await answer.json()) as { manifests: typeof found };
      assert.ok(page.manifests.length <= 4);
      found.push(...page.manifests);
      next = /<(.*)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    assert.equal(new Set(found.map(({ digest }) => digest)).size, wanted);
    assert.equal(found.length, wanted, 'each once');
    assert.ok(pages >= 4, 'long annotations end a page');
    const index = found.find(({ digest }) => digest === digestOf(list));
    assert.equal(index !== undefined, query === '');
    assert.ok(index === undefined || !('artifactType' in index), 'an index without an artifact type has none');
  }
  assert.equal(await verdict(await call('GET', '/v2/refer/app/referrers/sha256:short')), '400 DIGEST_INVALID');
});

test('what a manifest may leave out is a setting', async () => {
  const image = manifestOf(EMPTY, [Buffer.from('not here')]);
  const child = { mediaType: MediaType.manifest, digest: digestOf('neither'), size: 7 };
  const index = JSON.stringify({ schemaVersion: 2, manifests: [child] });
  for (const [sparse, wantedImage, wantedIndex] of [
    ['none', '404 MANIFEST_BLOB_UNKNOWN', '404 MANIFEST_BLOB_UNKNOWN'],
    ['index', '404 MANIFEST_BLOB_UNKNOWN', '201'],
    ['all', '201', '201'],
  ] as const) {
    await using({ sparse }, async ({ pushBlob, putManifest }) => {
      await pushBlob('sparse/app', EMPTY);
      assert.equal(await verdict(await putManifest('sparse/app', 'image', image)), wantedImage);
      assert.equal(await verdict(await putManifest('sparse/app', 'index', index, MediaType.index)), wantedIndex);
      const lying = image.replace('"size":2', '"size":3');
      assert.notEqual((await putManifest('sparse/app', 'lying', lying)).status, 201, 'what is here must fit');
    });
  }
});

test('a manifest that may name missing layers gives no access to those of another repository', async () => {
  await using({ sparse: 'all' }, async ({ call, pushBlob, putManifest }) => {
    const secret = Buffer.from('not for everybody');
    await pushBlob('secret/app', secret);
    await pushBlob('open/app', EMPTY);
    assert.equal((await putManifest('open/app', 'v1', manifestOf(EMPTY, [secret]))).status, 201);
    assert.equal(await verdict(await call('GET', `/v2/open/app/blobs/${digestOf(secret)}`)), '404 BLOB_UNKNOWN');
    await pushBlob('open/app', secret);
    assert.equal((await call('GET', `/v2/open/app/blobs/${digestOf(secret)}`)).status, 200, 'who has the bytes may');
  });
});

test('a registry may delete nothing: 405, and what is allowed', async () => {
  await using({ deletes: false }, async ({ call, pushBlob, putManifest }) => {
    await pushBlob('kept/app', EMPTY);
    const manifest = manifestOf(EMPTY, []);
    await putManifest('kept/app', 'v1', manifest);
    for (const path of [`manifests/v1`, `manifests/${digestOf(manifest)}`, `blobs/${digestOf(EMPTY)}`]) {
      const answer = await call('DELETE', `/v2/kept/app/${path}`);
      assert.match(answer.headers.get('allow') ?? '', /^GET, HEAD/);
      assert.equal(await verdict(answer), '405 UNSUPPORTED');
      assert.equal((await call('HEAD', `/v2/kept/app/${path}`)).status, 200);
    }
    const upload = (await call('POST', '/v2/kept/app/blobs/uploads/')).headers.get('location') ?? '';
    assert.equal((await call('DELETE', upload)).status, 204, 'an upload can still be cancelled');
  });
});

test('a blob that a manifest names is not deleted under it', async () => {
  const { call, pushBlob, putManifest } = calls;
  await pushBlob('used/app', EMPTY);
  const manifest = manifestOf(EMPTY, []);
  await putManifest('used/app', 'v1', manifest);
  const path = `/v2/used/app/blobs/${digestOf(EMPTY)}`;
  assert.equal(await verdict(await call('DELETE', path)), '405 UNSUPPORTED');
  assert.equal((await call('HEAD', path)).status, 200);
  assert.equal((await call('DELETE', `/v2/used/app/manifests/${digestOf(manifest)}`)).status, 202);
  assert.equal((await call('DELETE', path)).status, 202);
  assert.equal(await verdict(await call('DELETE', path)), '404 BLOB_UNKNOWN');
});

test('any call that is none is answered in the form of the specification', async () => {
  const { call } = calls;
  const options = await call('OPTIONS', '/v2/a/manifests/v1');
  assert.equal(options.headers.get('allow'), 'GET, HEAD, PUT, DELETE');
  assert.equal(await verdict(options), '405 UNSUPPORTED');
  assert.equal(await verdict(await call('PATCH', '/v2/a/tags/list')), '405 UNSUPPORTED');
  assert.equal(await verdict(await call('GET', '/v2/_oci/ext/discover')), '404 NAME_UNKNOWN');
  assert.equal(await verdict(await call('GET', '/v2/a/b')), '404 NAME_UNKNOWN');
});

test('Docker schema 2 is served as it was pushed, with non-distributable layers that nobody pushes', async () => {
  const { call, pushBlob, putManifest } = calls;
  await pushBlob('docker/app', EMPTY);
  const foreign = {
    mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    digest: digestOf('elsewhere'),
    size: 9,
    urls: ['https://example.com/layer'],
  };
  const config = { mediaType: 'application/vnd.docker.container.image.v1+json', size: 2, digest: digestOf(EMPTY) };
  const manifest = JSON.stringify(
    { schemaVersion: 2, mediaType: MediaType.dockerManifest, config, layers: [foreign] },
    null,
    3,
  );
  assert.equal((await putManifest('docker/app', 'v1', manifest, MediaType.dockerManifest)).status, 201);
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7', 'os.version': '1', features: ['sse4'] };
  const child = { mediaType: MediaType.dockerManifest, digest: digestOf(manifest), size: manifest.length, platform };
  const list = `${JSON.stringify({ manifests: [child], schemaVersion: 2, mediaType: MediaType.dockerManifestList })}\n\n`;
  assert.equal((await putManifest('docker/app', 'all', list, MediaType.dockerManifestList)).status, 201);
  for (const [tag, text, type] of [
    ['v1', manifest, MediaType.dockerManifest],
    ['all', list, MediaType.dockerManifestList],
  ] as const) {
    const answer = await call('GET', `/v2/docker/app/manifests/${tag}`, undefined, { accept: MediaType.manifest });
    assert.deepEqual([answer.headers.get('content-type'), await answer.text()], [type, text]);
  }
});

test('deep JSON, 100 MB and a promise of 100 MB are refused, and the registry goes on', async () => {
  const { call, putManifest, pushBlob } = calls;
  await pushBlob('deep/app', EMPTY);
  const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`;
  assert.equal(await verdict(await putManifest('deep/app', 'v1', deep)), '400 MANIFEST_INVALID');
  const nested = manifestOf(EMPTY, [], { annotations: { a: 'x' }, extra: JSON.parse(deep.slice(499_980, -499_980)) });
  assert.equal(await verdict(await putManifest('deep/app', 'v1', nested)), '201', 'members nobody knows are kept');
  const streamed = await fetch(`${registry.url}/v2/deep/app/manifests/v2`, {
    method: 'PUT',
    headers: { 'content-type': MediaType.manifest },
    duplex: 'half',
    body: Readable.from(
      (function* () {
        yield Buffer.from('{"schemaVersion":2,"pad":"');
        for (let sent = 0; sent < 100; sent += 1) yield Buffer.alloc(1_000_000, 'x');
      })(),
    ),
  } as RequestInit).catch(() => undefined);
  assert.ok(streamed === undefined || streamed.status === 413, `${streamed?.status}`);
  const promised = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(registry.url).port), '127.0.0.1');
    socket.once('data', (data) => resolve(data.toString().slice(9, 12)) ?? socket.destroy());
    socket.on('error', reject);
    socket.write(`PUT /v2/deep/app/manifests/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n{`);
  });
  assert.equal(promised, '413', 'said before the bytes come');
  assert.equal((await call('GET', '/v2/deep/app/manifests/v2')).status, 404);
});

test('tags of the fallback scheme are tags like any other', async () => {
  const { call, pushBlob, putManifest } = calls;
  await pushBlob('fall/app', EMPTY);
  const manifest = manifestOf(EMPTY, []);
  const tag = `sha256-${digestOf(manifest).slice(7)}`;
  const descriptor = { mediaType: MediaType.manifest, digest: digestOf(manifest), size: manifest.length };
  const index = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.index, manifests: [descriptor] });
  await putManifest('fall/app', digestOf(manifest), manifest);
  assert.equal((await putManifest('fall/app', tag, index, MediaType.index)).status, 201);
  assert.equal(await (await call('GET', `/v2/fall/app/manifests/${tag}`)).text(), index);
  const { tags } = (await (await call('GET', '/v2/fall/app/tags/list')).json()) as { tags: string[] };
  assert.deepEqual(tags, [tag]);
});

test('too many requests: told when to come again', async () => {
  await using({ limits: { uploads: 0 } }, async ({ call }) => {
    const answer = await call('POST', '/v2/a/blobs/uploads/');
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(await verdict(answer), '429 TOOMANYREQUESTS');
  });
});
