import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import Fastify from 'fastify';
import { parseLimit } from '../../src/cli/registry-limits.ts';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import {
  createQuota,
  createSqlCatalogue,
  type QuotaRule,
  type RegistryServerOptions,
  registryRoutes,
} from '../../src/registry/index.ts';
import { freeBytesOf } from '../../src/registry/quota/quota.ts';
import { readUsage } from '../../src/registry/quota/usage.ts';
import { postgresqlPrograms, startCluster, type TestCluster } from '../support/postgresql.ts';
import { type RegistryWorld, registryWorld } from '../support/registry-world.ts';

type Serving = Pick<RegistryWorld, 'store' | 'catalogue'> & Partial<RegistryServerOptions>;

async function serve(options: Serving, work: (url: string) => Promise<void>): Promise<void> {
  const server = Fastify({ forceCloseConnections: true });
  await server.register(registryRoutes, options);
  try {
    await work(await server.listen({ host: '127.0.0.1', port: 0 }));
  } finally {
    await server.close();
  }
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}
async function send(
  url: string,
  method: string,
  body?: Buffer | string,
  type = 'application/octet-stream',
): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': type },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, code: text.startsWith('{"errors"') ? JSON.parse(text).errors[0].code : undefined };
}
const blob = (url: string, repository: string, bytes: Buffer) =>
  send(`${url}/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`, 'POST', bytes);
const OK: Answer = { status: 201, code: undefined };
const DENIED: Answer = { status: 403, code: 'DENIED' };

function manifestOf(config: Buffer): string {
  const descriptor = { mediaType: MediaType.config, digest: digestOf(config), size: config.length };
  return JSON.stringify({ schemaVersion: 2, mediaType: MediaType.manifest, config: descriptor, layers: [] });
}

/** Quotas as rows and locks of one kind of database have them. */
function quotaTests(kind: string, databaseUrl: () => Promise<string | undefined>): void {
  describe(`quotas, ${kind}`, () => {
    let world: RegistryWorld;
    before(async () => {
      world = await registryWorld({ url: await databaseUrl() });
    });
    beforeEach(() => world.reset());
    after(() => world.close());
    const serving = (options: Partial<RegistryServerOptions>, work: (url: string) => Promise<void>) =>
      serve({ store: world.store, catalogue: world.catalogue, ...options }, work);
    const quota = (rules: readonly QuotaRule[], more = {}) => ({
      quota: createQuota({ database: world.database, rules, ...more }),
    });

    test('a repository takes what its quota allows, counted by distinct bytes', async () => {
      await serving(quota([{ repositories: 'small/*', bytes: 2_000 }]), async (url) => {
        assert.deepEqual(await blob(url, 'small/app', Buffer.alloc(1_500, 1)), OK);
        assert.deepEqual(await blob(url, 'small/app', Buffer.alloc(501, 2)), DENIED);
        assert.deepEqual(await blob(url, 'small/other', Buffer.alloc(1_999, 3)), OK);
        assert.deepEqual(await blob(url, 'large/app', Buffer.alloc(9_000, 4)), OK);
        const mount = `${url}/v2/small/app/blobs/uploads/?mount=${digestOf(Buffer.alloc(9_000, 4))}&from=large/app`;
        assert.equal((await send(mount, 'POST')).status, 403);
        // Chunked without a length: found out when it is all there.
        const { headers } = await fetch(`${url}/v2/small/app/blobs/uploads/`, { method: 'POST' });
        const bytes = Buffer.alloc(900, 5);
        const put = await fetch(`${url}${headers.get('location')}?digest=${digestOf(bytes)}`, {
          method: 'PUT',
          body: new Blob([bytes]).stream(),
          duplex: 'half',
        } as RequestInit);
        assert.equal(put.status, 403);
        assert.equal(await world.catalogue.hasBlob('small/app', digestOf(bytes)), false);
        const config = Buffer.from('{}');
        assert.deepEqual(await blob(url, 'small/app', config), OK);
        assert.deepEqual(
          await send(`${url}/v2/small/app/manifests/v1`, 'PUT', manifestOf(config), MediaType.manifest),
          OK,
        );
        const [largest] = (await readUsage(world.database)).repositories.filter(
          ({ repository }) => repository === 'small/app',
        );
        assert.equal(largest?.bytes, 1_502 + manifestOf(config).length);
      });
    });

    test('pushes at once stay within the quota together; a namespace counts as one', async () => {
      await serving(quota([{ repositories: 'team/*', bytes: 10_000, per: 'all' }]), async (url) => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, number) => blob(url, `team/${number % 4}`, Buffer.alloc(1_500, number + 1))),
        );
        assert.equal(answers.filter(({ status }) => status === 201).length, 6);
        assert.ok(answers.every(({ status }) => status === 201 || status === 403));
        const used = (await readUsage(world.database)).repositories.reduce((sum, { bytes }) => sum + bytes, 0);
        assert.equal(used, 9_000);
        // What the namespace has already costs nothing in another of its repositories.
        const [done] = answers.flatMap(({ status }, number) => (status === 201 ? [number] : []));
        const again = Buffer.alloc(1_500, (done as number) + 1);
        const mount = `${url}/v2/team/new/blobs/uploads/?mount=${digestOf(again)}&from=team/${(done as number) % 4}`;
        assert.equal((await send(mount, 'POST')).status, 201);
      });
    });

    test('tags and repositories can be counted too', async () => {
      await serving(quota([{ repositories: '*', tags: 2 }], { repositories: 2 }), async (url) => {
        const config = Buffer.from('{}');
        const put = (repository: string, tag: string) =>
          send(`${url}/v2/${repository}/manifests/${tag}`, 'PUT', manifestOf(config), MediaType.manifest);
        assert.deepEqual(await blob(url, 'one', config), OK);
        for (const tag of ['a', 'b', 'a']) assert.deepEqual(await put('one', tag), OK);
        assert.deepEqual(await put('one', 'c'), DENIED);
        assert.deepEqual(await blob(url, 'two', config), OK);
        assert.deepEqual(await blob(url, 'three', config), DENIED);
      });
    });

    test('below its reserve the disk takes no more: 507', async () => {
      await serving(quota([], { reserve: 1_000, free: async () => 1_500 }), async (url) => {
        assert.deepEqual(await blob(url, 'app', Buffer.alloc(400)), OK);
        assert.deepEqual(await blob(url, 'app', Buffer.alloc(600)), { status: 507, code: 'DENIED' });
      });
      assert.ok((await freeBytesOf(world.folder)()) > 0);
      const full = createQuota({ database: world.database, rules: [], reserve: 1, free: async () => 0 });
      await assert.rejects(full.before('app', 0), { code: 'REGISTRY_STORAGE_FULL' });
      const small = createQuota({ database: world.database, rules: [{ repositories: '*', bytes: 1 }] });
      await assert.rejects(small.before('app', 2), { code: 'REGISTRY_QUOTA_EXCEEDED' });
    });

    test('limits are settable: manifest, blob; a client that trickles is answered 408 and cut off', async () => {
      const limits = { manifestBytes: 50, blobBytes: 100, bodyIdle: 200, bodyBytes: 64 };
      await serving({ limits }, async (url) => {
        assert.deepEqual(await blob(url, 'app', Buffer.alloc(101)), { status: 413, code: 'SIZE_INVALID' });
        const manifest = manifestOf(Buffer.from('{}'));
        const answer = await send(`${url}/v2/app/manifests/v1`, 'PUT', manifest, MediaType.manifest);
        assert.deepEqual(answer, { status: 413, code: 'SIZE_INVALID' });
        const socket = connect(Number(new URL(url).port), '127.0.0.1');
        socket.write(
          `POST /v2/app/blobs/uploads/?digest=${digestOf('x')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\n`,
        );
        const trickle = setInterval(() => socket.write('x'), 20);
        let text = '';
        socket.on('error', () => undefined);
        socket.on('data', (chunk) => {
          text += String(chunk);
        });
        await new Promise((closed) => socket.once('close', closed));
        clearInterval(trickle);
        assert.match(text, /^HTTP\/1\.1 408 /);
        assert.match(text, /BLOB_UPLOAD_INVALID/);
      });
    });

    test('usage tells own from shared', async () => {
      await world.image('one/app', 'v1', ['shared layer', 'own layer']);
      await world.image('two/app', 'v1', ['shared layer']);
      const { repositories, total } = await readUsage(world.database);
      const one = repositories.find(({ repository }) => repository === 'one/app');
      assert.ok(one !== undefined);
      assert.deepEqual([one.tags, one.manifests, one.blobs], [1, 1, 3]);
      assert.equal(one.shared, 'shared layer'.length);
      assert.equal(one.exclusive + one.shared, one.bytes);
      assert.equal(total.bytes, repositories.reduce((sum, { bytes }) => sum + bytes, 0) - 'shared layer'.length);
    });
  });
}

quotaTests('embedded', async () => undefined);

const programs = postgresqlPrograms();
if (programs === undefined) test('quotas, PostgreSQL', (context) => context.skip('postgresql not installed'));
else {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startCluster(programs);
  });
  after(() => cluster.stop());
  quotaTests('PostgreSQL', () => cluster.createDatabase());

  test('servers that share a PostgreSQL stay within a quota together', async () => {
    const url = await cluster.createDatabase();
    const world = await registryWorld({ url });
    const other = await openDatabase({ kind: 'postgresql', url });
    try {
      const rules = [{ repositories: 'team/*', bytes: 10_000, per: 'all' }] as const;
      const side = (database: Database) => ({
        store: world.store,
        catalogue: createSqlCatalogue(database),
        quota: createQuota({ database, rules }),
      });
      await serve(side(world.database), (one) =>
        serve(side(other), async (two) => {
          const answers = await Promise.all(
            Array.from({ length: 24 }, (_, number) =>
              blob(number % 2 === 0 ? one : two, `team/${number % 5}`, Buffer.alloc(1_500, number + 1)),
            ),
          );
          assert.equal(answers.filter(({ status }) => status === 201).length, 6);
          assert.ok(answers.every(({ status }) => status === 201 || status === 403));
        }),
      );
      const used = (await readUsage(world.database)).repositories.reduce((sum, { bytes }) => sum + bytes, 0);
      assert.equal(used, 9_000);
    } finally {
      await other.close();
      await world.close();
    }
  });
}

test('--limit takes names and numbers', () => {
  assert.deepEqual(parseLimit('blobBytes=5000'), ['blobBytes', 5_000]);
  for (const wrong of ['blobBytes', 'blobBytes=', 'blobBytes=x', 'blobBytes=-1', 'bytes=5', 'blobBytes=1.5']) {
    assert.throws(() => parseLimit(wrong), { code: 'CLI_USAGE' }, wrong);
  }
});
