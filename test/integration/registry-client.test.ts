import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { type Digest, digestOf, MediaType, parseReference } from '../../src/oci/index.ts';
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
  registryError,
} from '../../src/registry/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { startDockerRegistry } from './peer-registry.ts';
import { startRegistry } from './registry-process.ts';
import { sampleImage } from './sample-image.ts';

const quick: RegistryClientOptions = { credentials: 'anonymous', retry: { attempts: 3, delay: 1 } };

const listening = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** A registry that answers as a test wants. */
const withServer = async (
  answer: (request: IncomingMessage, response: ServerResponse, host: string) => void,
  work: (client: (options?: RegistryClientOptions) => RegistryClient, host: string) => Promise<void>,
): Promise<void> => {
  let host = '';
  const server = createServer((request, response) => answer(request, response, host));
  host = await listening(server);
  const clients: RegistryClient[] = [];
  try {
    await work((options = quick) => {
      const client = createRegistryClient(host, options);
      clients.push(client);
      return client;
    }, host);
  } finally {
    for (const client of clients) client.close();
    server.closeAllConnections();
    server.close();
  }
};

const end = (
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: string | Buffer = '',
) => response.writeHead(status, headers).end(body);
const errors = (code: string, message = 'as the test wants'): string => JSON.stringify({ errors: [{ code, message }] });

test('every call, against our own registry', async () => {
  const registry = await startRegistry({ limits: { pageSize: 2 } });
  const client = createRegistryClient(registry.host, quick);
  try {
    const image = sampleImage();
    for (const [digest, bytes] of image.content) {
      const blob = { digest, size: bytes.length, open: async () => Readable.from([bytes]) };
      assert.equal(await client.pushBlob('team/app', blob), 'uploaded');
      assert.equal(await client.pushBlob('team/app', blob), 'exists');
      assert.equal(await client.pushBlob('team/copy', { ...blob, mountFrom: 'team/app' }), 'mounted');
      assert.equal(await client.blobSize('team/app', digest), bytes.length);
      assert.deepEqual(await buffer(await client.blob('team/app', digest, { start: 3, end: 8 })), bytes.subarray(3, 9));
    }
    const manifest = { bytes: image.manifestBytes, mediaType: MediaType.manifest };
    for (const tag of ['a', 'b', 'c', 'd', 'e']) await client.pushManifest('team/app', tag, manifest);
    assert.deepEqual(await client.tags('team/app'), ['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(await client.repositories(), ['team/app']);
    const digest = digestOf(image.manifestBytes);
    assert.deepEqual(await client.head('team/app', 'a'), {
      mediaType: MediaType.manifest,
      digest,
      size: image.manifestBytes.length,
    });
    assert.equal(await client.head('team/app', 'none'), undefined);
    assert.deepEqual(await client.referrers('team/app', digest), []);
    assert.equal(await client.deleteManifest('team/app', digest), true);
    assert.equal(await client.deleteManifest('team/app', digest), false);
    await assert.rejects(client.manifest('team/app', 'a'), { code: 'REGISTRY_MANIFEST_UNKNOWN' });
    await assert.rejects(client.tags('team/none'), { code: 'REGISTRY_NAME_UNKNOWN' });
    await assert.rejects(client.blob('team/app', digestOf('none')), { code: 'BLOB_MISSING' });
    const lying = { digest: digestOf('x'), size: 1, open: async () => Readable.from([Buffer.from('y')]) };
    await assert.rejects(client.pushBlob('team/app', lying), { code: 'REGISTRY_DIGEST_INVALID' });
    const orphan = Buffer.from(
      image.manifestBytes.toString().replace(/"digest":"sha256:.{6}/, '"digest":"sha256:000000'),
    );
    await assert.rejects(client.pushManifest('team/app', 'a', { ...manifest, bytes: orphan }), {
      code: 'REGISTRY_MANIFEST_BLOB_UNKNOWN',
    });
  } finally {
    client.close();
    await registry.close();
  }
});

test('a bearer token is fetched once a scope, with credentials, and renewed when it expires', async () => {
  const asked: string[] = [];
  let valid = 'first';
  await withServer(
    (request, response, host) => {
      const url = new URL(request.url ?? '', `http://${host}`);
      if (url.pathname === '/token') {
        asked.push(
          `${url.searchParams.get('service')} ${url.searchParams.get('scope')} ${request.headers.authorization}`,
        );
        return end(response, 200, {}, JSON.stringify({ token: valid }));
      }
      if (request.headers.authorization === `Bearer ${valid}`) return end(response, 200, {}, '{"tags":["v1"]}');
      const challenge = `Bearer realm="http://${host}/token",service="test registry",scope="ignored"`;
      return end(response, 401, { 'www-authenticate': challenge });
    },
    async (connect) => {
      const credentials = { kind: 'password', username: 'me', password: 'pass' } as const;
      const client = connect({ ...quick, credentials });
      assert.deepEqual(await client.tags('a'), ['v1']);
      await client.tags('a');
      assert.equal(asked.length, 1);
      valid = 'second';
      await client.tags('a');
      await client.tags('b');
      const basic = `Basic ${Buffer.from('me:pass').toString('base64')}`;
      assert.deepEqual(asked, [
        `test registry repository:a:pull ${basic}`,
        `test registry repository:a:pull ${basic}`,
        `test registry repository:b:pull ${basic}`,
      ]);
    },
  );
});

test('wrong credentials are REGISTRY_UNAUTHORIZED and never in a message', async () => {
  await withServer(
    (_request, response) => end(response, 401, { 'www-authenticate': 'Basic realm="x"' }, errors('UNAUTHORIZED')),
    async (connect) => {
      const client = connect({ ...quick, credentials: { kind: 'password', username: 'me', password: 'hunter2' } });
      await assert.rejects(client.tags('a'), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'REGISTRY_UNAUTHORIZED');
        assert.doesNotMatch(JSON.stringify(error) + error.message + error.stack, /hunter2|aHVudGVy/);
        return true;
      });
      await assert.rejects(connect().tags('a'), { code: 'REGISTRY_UNAUTHORIZED' });
    },
  );
});

test('credentials do not follow a redirect to another host, and TLS is never left', async () => {
  const blob = Buffer.from('from the content network');
  let leaked: string | undefined = 'never called';
  const content = createServer((request, response) => {
    leaked = request.headers.authorization;
    response.end(blob);
  });
  const elsewhere = await listening(content);
  try {
    await withServer(
      (request, response) => {
        if (request.headers.authorization === undefined) return end(response, 401, { 'www-authenticate': 'Basic' });
        return end(response, 307, { location: `http://${elsewhere}/blob` });
      },
      async (connect) => {
        const client = connect({ ...quick, credentials: { kind: 'password', username: 'me', password: 'x' } });
        assert.deepEqual(await buffer(await client.blob('a', digestOf(blob))), blob);
        assert.equal(leaked, undefined);
      },
    );
    await withServer(
      (_request, response) => end(response, 302, { location: 'file:///etc/passwd' }),
      async (connect) => assert.rejects(connect().tags('a'), { code: 'REGISTRY_ANSWER_INVALID' }),
    );
    await withServer(
      (_request, response) => end(response, 302, { location: '/v2/again' }),
      async (connect) => assert.rejects(connect().tags('a'), { code: 'REGISTRY_ANSWER_INVALID' }),
    );
  } finally {
    content.close();
  }
});

test('a pull goes on where its connection broke; a blob of wrong bytes is an error', async () => {
  const bytes = randomBytes(500_000);
  const ranges: (string | undefined)[] = [];
  await withServer(
    (request, response) => {
      ranges.push(request.headers.range);
      const start = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const rest = bytes.subarray(start);
      response.writeHead(start === 0 ? 200 : 206, { 'content-length': String(rest.length) });
      if (ranges.length < 4) response.write(rest.subarray(0, 150_000), () => setTimeout(() => response.destroy(), 5));
      else response.end(rest);
    },
    async (connect) => {
      assert.deepEqual(await buffer(await connect().blob('a', digestOf(bytes))), bytes);
      assert.equal(ranges[0], undefined);
      assert.equal(ranges.length, 4);
    },
  );
  await withServer(
    (_request, response) => end(response, 200, {}, 'tampered'),
    async (connect) => {
      const client = connect();
      await assert.rejects(buffer(await client.blob('a', digestOf('true'))), { code: 'OCI_DIGEST_MISMATCH' });
      await assert.rejects(client.manifest('a', digestOf('true')), { code: 'OCI_DIGEST_MISMATCH' });
    },
  );
});

test('a busy registry is asked again, a broken or silent one is a coded error', async () => {
  for (const [status, wanted] of [
    [503, 'REGISTRY_UNAVAILABLE'],
    [429, 'REGISTRY_TOOMANYREQUESTS'],
  ] as const) {
    let calls = 0;
    let good = false;
    await withServer(
      (request, response) => {
        if (request.url === '/v2/') return end(response, 200);
        calls += 1;
        return good && calls % 3 === 0 ? end(response, 200, {}, '{"tags":[]}') : end(response, status);
      },
      async (connect) => {
        await assert.rejects(connect().tags('a'), { code: wanted });
        assert.equal(calls, 3);
        good = true;
        assert.deepEqual(await connect().tags('a'), []);
      },
    );
  }
  for (const [answer, wanted] of [
    ['not json', 'REGISTRY_ANSWER_INVALID'],
    ['{"tags":[1]}', 'REGISTRY_ANSWER_INVALID'],
  ] as const) {
    await withServer(
      (_request, response) => end(response, 200, {}, answer),
      async (connect) => assert.rejects(connect().tags('a'), { code: wanted }),
    );
  }
  for (const [status, body, wanted] of [
    [403, errors('DENIED'), 'REGISTRY_DENIED'],
    [404, errors('NAME_UNKNOWN'), 'REGISTRY_NAME_UNKNOWN'],
    [418, 'teapot', 'REGISTRY_REFUSED'],
  ] as const) {
    await withServer(
      (_request, response) => end(response, status, {}, body),
      async (connect) => assert.rejects(connect().tags('a'), { code: wanted }),
    );
  }
  await withServer(
    () => {},
    async (connect) => assert.rejects(connect({ ...quick, timeout: 30 }).tags('a'), { code: 'REGISTRY_UNREACHABLE' }),
  );
  const nobody = createRegistryClient('127.0.0.1:1', quick);
  await assert.rejects(nobody.tags('a'), { code: 'REGISTRY_UNREACHABLE' });
  nobody.close();
  const aborted = createRegistryClient('127.0.0.1:1', { ...quick, signal: AbortSignal.abort() });
  await assert.rejects(aborted.tags('a'), { name: 'AbortError' });
});

test('an endless answer is cut off', async () => {
  await withServer(
    (request, response) => {
      if (request.url === '/v2/') return end(response, 200);
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      };
      response.on('drain', more);
      more();
    },
    async (connect) => assert.rejects(connect().manifest('a', 'v1'), { code: 'REGISTRY_ANSWER_INVALID' }),
  );
});

test('access to our own registry by basic authentication', async () => {
  const registry = await startRegistry({
    authorize: async (request) => {
      if (request.headers.authorization === `Basic ${Buffer.from('me:pass').toString('base64')}`) return;
      throw registryError('REGISTRY_UNAUTHORIZED', 'log in', { details: { challenge: 'Basic realm="heraklit"' } });
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'client-'));
  try {
    const file = join(folder, 'auth.json');
    const auth = Buffer.from('me:pass').toString('base64');
    await writeFile(file, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const options = { registry: { environment: { REGISTRY_AUTH_FILE: file } } };
    const reference = parseReference(`${registry.host}/team/app:v1`);
    await saveImage(sampleImage(), reference, options);
    const opened = await openImage(reference, options);
    assert.equal(opened.manifest.layers.length, 3);
    await opened.close();
    await assert.rejects(openImage(reference, { registry: quick }), { code: 'REGISTRY_UNAUTHORIZED' });
  } finally {
    await registry.close();
    await rm(folder, { recursive: true });
  }
});

test("Debian's docker-registry takes and gives images", async (context) => {
  const peer = await startDockerRegistry();
  if (peer === undefined) return context.skip('docker-registry not installed');
  const client = createRegistryClient(peer.host, quick);
  try {
    const image = sampleImage();
    const reference = parseReference(`${peer.host}/team/app:v1`);
    await saveImage(image, reference, { registry: quick });
    const opened = await openImage(reference, { registry: quick });
    assert.equal(opened.digest, digestOf(image.manifestBytes));
    for (const { digest } of opened.manifest.layers) await buffer(await opened.blobs.open(digest));
    await opened.close();
    assert.deepEqual(await client.tags('team/app'), ['v1']);
    const [first] = image.content as ReadonlyMap<Digest, Buffer>;
    const [digest, bytes] = first as [Digest, Buffer];
    const mounted = await client.pushBlob('team/other', {
      digest,
      size: bytes.length,
      open: async () => Readable.from([bytes]),
      mountFrom: 'team/app',
    });
    assert.equal(mounted, 'mounted');
    assert.equal(await client.deleteManifest('team/app', opened.digest), true);
  } finally {
    client.close();
    await peer.stop();
  }
});
