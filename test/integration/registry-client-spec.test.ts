/** Our registry client where registries differ: no referrers API, pages, back-off, broken uploads, warnings. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type Digest, digestOf, MediaType } from '../../src/oci/index.ts';
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from '../../src/registry/index.ts';
import { newerTool } from '../support/newer-tools.ts';
import { startDockerRegistry } from './peer-registry.ts';
import { manifestOf } from './registry-calls.ts';
import { startRegistry } from './registry-process.ts';

const quick: RegistryClientOptions = { credentials: 'anonymous', retry: { attempts: 4, delay: 1 } };
const patient: RegistryClientOptions = { ...quick, retry: { attempts: 8, delay: 20 } };
const EMPTY = Buffer.from('{}');

const pushBytes = (client: RegistryClient, repository: string, bytes: Buffer, digest: Digest = digestOf(bytes)) =>
  client.pushBlob(repository, { digest, size: bytes.length, open: async () => Readable.from([bytes]) });

const bytesOf = (text: string, mediaType: string = MediaType.manifest) => ({ bytes: Buffer.from(text), mediaType });

/** Answers every request as a test wants. */
const answering = async (listener: RequestListener, work: (host: string) => Promise<void>): Promise<void> => {
  const server = createHttpServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

test('without a referrers API the list is kept under a tag, which other clients read, and cleaned up', async (context) => {
  const peer = await startDockerRegistry();
  if (peer === undefined) return context.skip('docker-registry not installed');
  const oras = newerTool('oras');
  const client = createRegistryClient(peer.host, quick);
  try {
    await pushBytes(client, 'fall/back', EMPTY);
    const image = manifestOf(EMPTY, []);
    await client.pushManifest('fall/back', 'v1', bytesOf(image));
    const subject = { mediaType: MediaType.manifest, digest: digestOf(image), size: image.length };
    assert.deepEqual(await client.referrers('fall/back', subject.digest), []);
    const referrers = ['application/x-sbom', 'application/x-sig', 'application/x-sig'].map((artifactType, index) =>
      manifestOf(EMPTY, [], { subject, artifactType, annotations: { index: String(index) } }),
    );
    for (const text of [...referrers, ...referrers]) {
      await client.pushManifest('fall/back', digestOf(text), bytesOf(text));
    }
    const found = await client.referrers('fall/back', subject.digest);
    assert.deepEqual(
      found.map(({ digest, artifactType, annotations }) => [digest, artifactType, annotations?.index]),
      referrers.map((text, index) => [
        digestOf(text),
        index === 0 ? 'application/x-sbom' : 'application/x-sig',
        `${index}`,
      ]),
      'each once, as the API would show it',
    );
    assert.equal((await client.referrers('fall/back', subject.digest, 'application/x-sig')).length, 2);
    if (oras === undefined) context.diagnostic('oras not installed: another client was not asked');
    else {
      const asked = ['discover', '--plain-http', '--format', 'json', `${peer.host}/fall/back@${subject.digest}`];
      const { manifests } = JSON.parse((await promisify(execFile)(oras, asked)).stdout) as { manifests: unknown[] };
      assert.equal(manifests.length, 3, 'oras reads the list');
    }
    assert.equal(await client.deleteManifest('fall/back', digestOf(referrers[1] as string)), true);
    assert.equal((await client.referrers('fall/back', subject.digest)).length, 2);
    assert.equal(await client.deleteManifest('fall/back', digestOf(referrers[1] as string)), false);

    const foreign = { ...subject, digest: digestOf('tagged by somebody') };
    const tag = foreign.digest.replace(':', '-');
    await client.pushManifest('fall/back', tag, bytesOf(image));
    const late = manifestOf(EMPTY, [], { subject: foreign });
    await assert.rejects(client.pushManifest('fall/back', digestOf(late), bytesOf(late)), {
      code: 'OCI_MANIFEST_INVALID',
    });
    assert.deepEqual(await client.referrers('fall/back', foreign.digest), [], 'no list is no referrers');
  } finally {
    client.close();
    await peer.stop();
  }
});

test('writers of one list do not lose each other where the registry compares entity tags', async () => {
  const registry = await startRegistry();
  // Our registry, as if it had no referrers API: the tag scheme then relies on its conditional pushes.
  const plain = createHttpServer((request, response) => {
    if (request.url?.includes('/referrers/')) return response.writeHead(404).end();
    const [host, port] = registry.host.split(':') as [string, string];
    const onward = connect(Number(port), host);
    const headers = Object.entries({ ...request.headers, connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}`,
    );
    onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    request.pipe(onward, { end: false });
    let text = '';
    onward.setEncoding('latin1').on('data', (data) => {
      text += data;
    });
    onward.on('end', () => {
      response.socket?.end(text.replace(/^oci-subject:.*\r\n/im, ''), 'latin1');
    });
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const client = createRegistryClient(`127.0.0.1:${(plain.address() as AddressInfo).port}`, quick);
  try {
    await pushBytes(client, 'race/app', EMPTY);
    const subject = { mediaType: MediaType.manifest, digest: digestOf('subject'), size: 7 };
    const texts = Array.from({ length: 4 }, (_, index) =>
      manifestOf(EMPTY, [], { subject, annotations: { index: String(index) } }),
    );
    await Promise.all(texts.map((text) => client.pushManifest('race/app', digestOf(text), bytesOf(text))));
    const listed = await client.referrers('race/app', subject.digest);
    assert.deepEqual(listed.map(({ digest }) => digest).sort(), texts.map((text) => digestOf(text)).sort());
  } finally {
    client.close();
    plain.closeAllConnections();
    plain.close();
    await registry.close();
  }
});

test('referrers are read page by page', async () => {
  const registry = await startRegistry({ limits: { referrersBytes: 1_000 } });
  const client = createRegistryClient(registry.host, quick);
  try {
    await pushBytes(client, 'page/app', EMPTY);
    const subject = { mediaType: MediaType.manifest, digest: digestOf('many'), size: 4 };
    for (let index = 0; index < 9; index += 1) {
      const artifactType = `application/x-${index % 3}`;
      const text = manifestOf(EMPTY, [], { subject, artifactType, annotations: { index: String(index) } });
      await client.pushManifest('page/app', digestOf(text), bytesOf(text));
    }
    assert.equal((await client.referrers('page/app', subject.digest)).length, 9);
    assert.equal((await client.referrers('page/app', subject.digest, 'application/x-1')).length, 3);
    assert.deepEqual(await client.tags('page/app'), [], 'no list under a tag where there is an API');
  } finally {
    client.close();
    await registry.close();
  }
});

test('a busy registry is obeyed: asked again when it says, not at all when that is too late', async () => {
  const later = new Date(Date.now() + 3_600_000).toUTCString();
  for (const [status, header, calls] of [
    [429, '0', 4],
    [503, '0', 4],
    [429, '3600', 1],
    [503, later, 1],
  ] as const) {
    let count = 0;
    await answering(
      (request, response) => {
        if (request.url === '/v2/') return void response.end();
        count += 1;
        response.writeHead(status, { 'retry-after': header }).end();
      },
      async (host) => {
        const client = createRegistryClient(host, quick);
        await assert.rejects(client.tags('a'), (error: { hint?: string; details: { retryAfter?: number } }) => {
          assert.match(error.hint ?? '', /come again in \d+ s/);
          return (error.details.retryAfter ?? -1) >= 0;
        });
        assert.equal(count, calls, `${status} ${header}`);
        client.close();
      },
    );
  }
});

test('an upload that breaks goes on where it stopped', async () => {
  const sent: string[] = [];
  const registry = await startRegistry({
    authorize: async ({ method, headers }) => {
      if (method === 'PUT') sent.push(headers['content-range'] ?? 'whole');
    },
  });
  let cuts = 0;
  const [host, port] = registry.host.split(':') as [string, string];
  // Cuts the connection twice, each time after a megabyte.
  const proxy = createServer((near) => {
    const far = connect(Number(port), host);
    let passed = 0;
    near.on('data', (data) => {
      passed += data.length;
      far.write(data);
      if (passed < 1_000_000 || cuts >= 2) return;
      cuts += 1;
      // What was passed on arrives before the end does; what the registry says to that goes nowhere.
      far.unpipe(near);
      far.destroySoon();
      near.destroy();
    });
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('end', () => other.end());
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const client = createRegistryClient(`127.0.0.1:${(proxy.address() as AddressInfo).port}`, patient);
  try {
    const bytes = randomBytes(5_000_000);
    const digest: Digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
    const open = async () =>
      Readable.from(
        (function* () {
          for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000);
        })(),
      );
    assert.equal(await client.pushBlob('broken/app', { digest, size: bytes.length, open }), 'uploaded');
    assert.equal(cuts, 2);
    assert.ok(sent.length >= 3, 'more where the registry was still writing');
    assert.match(sent.at(-1) ?? '', /^[1-9]\d*-4999999$/, 'the rest alone');
    assert.equal(await client.blobSize('broken/app', digest), bytes.length);
    const wrong = { digest: digestOf('other'), size: bytes.length, open };
    await assert.rejects(client.pushBlob('broken/app', wrong), { code: 'REGISTRY_DIGEST_INVALID' });
  } finally {
    client.close();
    proxy.close();
    await registry.close();
  }
});

test('warnings are passed on once; a manifest sent as another type than it says is refused', async () => {
  const warnings: string[] = [];
  const manifest = manifestOf(EMPTY, []);
  let type = MediaType.manifest as string;
  await answering(
    (_request, response) => {
      response.writeHead(200, { warning: '299 - "moving soon"', 'content-type': type });
      response.end(manifest);
    },
    async (host) => {
      const client = createRegistryClient(host, { ...quick, onWarning: (text) => void warnings.push(text) });
      await client.manifest('a', 'v1');
      type = 'application/octet-stream';
      assert.equal((await client.manifest('a', 'v1')).descriptor.mediaType, MediaType.manifest);
      type = MediaType.index;
      await assert.rejects(client.manifest('a', 'v1'), { code: 'REGISTRY_ANSWER_INVALID' });
      client.close();
    },
  );
  assert.deepEqual(warnings, ['moving soon']);
});
