/** Images brought to the registries of zones: Debian's docker-registry with accounts, and ours, each with a storage of its own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from '../../src/database/index.ts';
import { zoneDelivery } from '../../src/engine/index.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import { createMemoryCatalogue } from '../../src/registry/index.ts';
import { readCampaign } from '../../src/rollout/campaign/store.ts';
import { type CarryContext, carryCampaign, findOrBegin, planOfFleet } from '../../src/rollout/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { ScriptedRuntime } from '../support/scripted-runtime.ts';
import { startDockerRegistry } from './peer-registry.ts';
import { startRegistry } from './registry-process.ts';
import { sampleImage } from './sample-image.ts';

const OLD: Digest = `sha256:${'1'.repeat(64)}`;
const workload = (cluster: string) => ({
  ...{ id: `kubernetes:${cluster}/shop/Deployment/web`, name: 'web', namespace: 'shop', kind: 'Deployment' as const },
});

test('an image goes along the edges to registries of their own; one that is away or refuses is told, and tried later', {
  timeout: 600_000,
}, async (context) => {
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'zones-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  // bcrypt by libcrypt: the only hash that docker-registry takes.
  const hash = execFileSync('perl', ['-e', 'print crypt("s3cret", q($2b$05$abcdefghijklmnopqrstuu))'], {
    encoding: 'utf8',
  });
  await writeFile(join(folder, 'htpasswd'), `push:${hash}\n`);
  const debian = await startDockerRegistry(join(folder, 'htpasswd'));
  if (debian === undefined) return context.skip('docker-registry not installed');
  resources.defer(() => debian.stop());
  const ours = await startRegistry();
  let isOpen = true;
  resources.defer(async () => void (isOpen && (await ours.close())));
  await writeFile(join(folder, 'password'), 'wrong\n');

  const store = await openBlobStore(join(folder, 'store'));
  const catalogue = createMemoryCatalogue();
  const put = async (name: string): Promise<Digest> => {
    const image = sampleImage(name);
    for (const bytes of image.content.values()) await store.put(bytes);
    await store.put(Buffer.from(image.manifestBytes));
    return digestOf(image.manifestBytes);
  };
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  resources.defer(() => database.close());
  const runtime = new ScriptedRuntime('kubernetes', ['test', 'prod', 'edge'].map(workload), `x/web@${OLD}`, OLD);
  let now = Date.parse('2026-06-01T12:00:00Z');
  const stage: CarryContext = {
    ...{ database, runtimes: [runtime], attempts: 5, clock: { now: () => now } },
    deliver: zoneDelivery({ store: async () => store }, catalogue, folder),
  };
  const zones = [
    { name: 'inside', clusters: ['test'], to: ['outside'] },
    {
      ...{ name: 'outside', clusters: ['prod'], to: ['edge'] },
      registry: { endpoint: `${debian.host}/mirror`, username: 'push', passwordFile: 'password' },
    },
    { name: 'edge', clusters: ['edge'], registry: { endpoint: ours.host } },
  ];
  const begin = async (digest: Digest): Promise<number> => {
    const wanted = {
      ...{ cause: 'release' as const, name: 'web', fleet: 'shop', repository: 'shop/web', tag: 'latest', digest },
      ...{ image: `registry.example/shop/web@${digest}`, previous: OLD, anyTime: false, carrier: 'loop' as const },
      plan: {
        ...planOfFleet({ zones }, 'web'),
        workloads: ['test', 'prod', 'edge'].map((one) => ({ workload: workload(one).id })),
      },
    };
    return (await findOrBegin(stage, wanted, 'heraklit')).id;
  };
  const carry = async (id: number) => {
    now += 3_600_000;
    await carryCampaign(stage, id);
    return await readCampaign(database.kysely, id);
  };
  const runs = (cluster: string): string | undefined => runtime.running.get(workload(cluster).id)?.image;
  const has = async (host: string, repository: string, digest: Digest, authorization = ''): Promise<number> =>
    (
      await fetch(`http://${host}/v2/${repository}/manifests/${digest}`, {
        headers: {
          accept: 'application/vnd.oci.image.manifest.v1+json',
          ...(authorization === '' ? {} : { authorization }),
        },
      })
    ).status;

  const first = await put('first');
  const one = await begin(first);
  const refused = await carry(one);
  assert.equal(refused.state, 'failed', `${refused.state} ${refused.reason}`);
  assert.match(refused.reason, /^[A-Z_]+: /, 'with its code');
  assert.equal(runs('test'), `registry.example/shop/web@${first}`);
  assert.equal(runs('prod'), `x/web@${OLD}`, 'nothing of a zone is touched before the image is there');

  await writeFile(join(folder, 'password'), 's3cret\n');
  const again = await begin(first);
  const done = await carry(again);
  assert.equal(done.state, 'rolledout', done.reason);
  assert.equal(runs('prod'), `${debian.host}/mirror/shop/web@${first}`);
  assert.equal(runs('edge'), `${ours.host}/shop/web@${first}`);
  const basic = `Basic ${Buffer.from('push:s3cret').toString('base64')}`;
  assert.equal(await has(debian.host, 'mirror/shop/web', first, basic), 200);
  assert.equal(await has(debian.host, 'mirror/shop/web', first), 401, 'its own accounts');
  assert.equal(await has(ours.host, 'shop/web', first), 200);

  await ours.close();
  isOpen = false;
  const second = await put('second');
  const two = await begin(second);
  const waits: number[] = [];
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { state, hold, until = 0, reason } = await carry(two);
    assert.deepEqual([state, hold], ['waiting', 'retry'], reason);
    assert.match(reason, /^[A-Z_]+: .*127\.0\.0\.1/);
    waits.push(until - now);
  }
  assert.ok((waits[1] ?? 0) > (waits[0] ?? 0), 'later and later');
  assert.equal(runs('prod'), `${debian.host}/mirror/shop/web@${second}`, 'zones before it have the image');
  assert.equal(runs('edge'), `${ours.host}/shop/web@${first}`);
});
