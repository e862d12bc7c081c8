/** The registry with clients that only newer Debian suites have: oras, crane, cosign, docker. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { createSqlCatalogue } from '../../src/registry/index.ts';
import { PASSWORD, startGuarded } from '../support/guarded-server.ts';
import { newerTool, newerToolsPath } from '../support/newer-tools.ts';
import { type Calls, callsTo, manifestOf } from './registry-calls.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

const run = promisify(execFile);

let registry: TestRegistry;
let database: Database;
let folder: string;
let calls: Calls;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'newer-clients-'));
  database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  registry = await startRegistry({ catalogue: createSqlCatalogue(database) });
  calls = callsTo(registry.url);
});
after(async () => {
  await registry.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const missing = (context: TestContext, ...tools: Parameters<typeof newerTool>[0][]): boolean => {
  const absent = tools.find((tool) => newerTool(tool) === undefined);
  if (absent !== undefined) context.skip(`${absent} not installed`);
  return absent !== undefined;
};

/** Runs one of them with a home of its own, in the test's folder; its output without the newline at the end. */
const tool = (name: Parameters<typeof newerTool>[0]) => {
  return async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, PATH: `${newerToolsPath}:${process.env.PATH}`, HOME: folder, COSIGN_PASSWORD: '' };
    const { stdout } = await run(newerTool(name) ?? name, args, { cwd: folder, env, timeout: 120_000 });
    return stdout.trimEnd();
  };
};
const [oras, crane, cosign] = (['oras', 'crane', 'cosign'] as const).map(tool) as [Run, Run, Run];
type Run = ReturnType<typeof tool>;

/** An image of two layers. */
const pushImage = async (repository: string, tag: string): Promise<string> => {
  const layers = [randomBytes(300_000), randomBytes(10_000)];
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
    }),
  );
  for (const blob of [config, ...layers]) await calls.pushBlob(repository, blob);
  const manifest = manifestOf(config, layers);
  assert.equal((await calls.putManifest(repository, tag, manifest)).status, 201);
  return digestOf(manifest);
};

test('oras pushes files, attaches, discovers, copies with referrers, pulls and deletes', async (context) => {
  if (missing(context, 'oras')) return;
  const plain = '--plain-http';
  const artifact = `${registry.host}/oras/art`;
  const bytes = randomBytes(200_000);
  await writeFile(join(folder, 'model.bin'), bytes);
  await writeFile(join(folder, 'sbom.json'), '{"bomFormat":"CycloneDX"}');
  await oras('push', plain, `${artifact}:v1,latest`, '--artifact-type', 'application/x-model', 'model.bin');
  for (const type of ['application/x-sbom', 'application/x-signature']) {
    await oras('attach', plain, `${artifact}:v1`, '--artifact-type', type, 'sbom.json:application/json');
  }
  const discover = async (reference: string, ...more: string[]) => {
    const found = JSON.parse(await oras('discover', plain, '--format', 'json', ...more, reference)) as {
      manifests: { artifactType: string }[];
    };
    return found.manifests.map(({ artifactType }) => artifactType).sort();
  };
  assert.deepEqual(await discover(`${artifact}:v1`), ['application/x-sbom', 'application/x-signature']);
  assert.deepEqual(await discover(`${artifact}:v1`, '--artifact-type', 'application/x-sbom'), ['application/x-sbom']);
  const copy = `${registry.host}/oras/copy`;
  await oras('copy', '--from-plain-http', '--to-plain-http', '-r', `${artifact}:v1`, `${copy}:v1`);
  assert.equal((await discover(`${copy}:v1`)).length, 2, 'referrers came along');
  assert.deepEqual((await oras('repo', 'tags', plain, artifact)).split('\n'), ['latest', 'v1']);
  assert.deepEqual(
    (await oras('repo', 'ls', plain, registry.host)).split('\n').filter((name) => name.startsWith('oras/')),
    ['oras/art', 'oras/copy'],
  );
  await oras('manifest', 'delete', '--force', plain, `${artifact}:v1`);
  await assert.rejects(oras('manifest', 'fetch', plain, `${artifact}:latest`), /not found/);
  await oras('pull', plain, `${copy}:v1`, '-o', 'pulled');
  assert.deepEqual(await readFile(join(folder, 'pulled/model.bin')), bytes);
  const blob = digestOf(bytes);
  await oras('blob', 'push', plain, `${registry.host}/oras/blobs@${blob}`, 'model.bin');
  await oras('blob', 'delete', '--force', plain, `${registry.host}/oras/blobs@${blob}`);
  await assert.rejects(
    oras('blob', 'fetch', plain, '--descriptor', `${registry.host}/oras/blobs@${blob}`),
    /not found/,
  );
});

test('crane copies, lists, tags, appends, makes indexes, validates and deletes', async (context) => {
  if (missing(context, 'crane')) return;
  const digest = await pushImage('crane/app', 'v1');
  const copy = `${registry.host}/crane/copy`;
  await crane('copy', `${registry.host}/crane/app:v1`, `${copy}:v1`);
  assert.equal(await crane('digest', `${copy}:v1`), digest);
  await crane('tag', `${copy}:v1`, 'v2');
  await writeFile(join(folder, 'data'), 'more');
  await run('tar', ['-cf', 'more.tar', 'data'], { cwd: folder });
  await crane('append', '-b', `${copy}:v1`, '-f', 'more.tar', '-t', `${copy}:more`);
  await crane('mutate', `${copy}:v1`, '--label', 'a=b', '-t', `${copy}:labelled`);
  assert.match(await crane('config', `${copy}:labelled`), /"Labels":\{"a":"b"\}/);
  await crane('index', 'append', '-m', `${copy}:v1`, '-m', `${copy}:labelled`, '-t', `${copy}:all`);
  await crane('validate', '--fast', '--remote', `${copy}:all`);
  assert.deepEqual((await crane('ls', copy)).split('\n'), ['all', 'labelled', 'more', 'v1', 'v2']);
  assert.ok((await crane('catalog', registry.host)).split('\n').includes('crane/copy'));
  await crane('delete', `${copy}:v2`);
  await crane('delete', `${copy}@${digest}`);
  await assert.rejects(crane('manifest', `${copy}:v1`), /MANIFEST_UNKNOWN/);
});

test('cosign signs and attests, by tags and by referrers, and verifies what it signed alone', async (context) => {
  if (missing(context, 'cosign')) return;
  for (const key of ['ours', 'theirs']) await cosign('generate-key-pair', '--output-key-prefix', key);
  const digest = await pushImage('cosign/app', 'v1');
  const image = `${registry.host}/cosign/app@${digest}`;
  const offline = ['--allow-http-registry', '--tlog-upload=false', '--yes', '--key', 'ours.key'];
  const check = ['--allow-http-registry', '--insecure-ignore-tlog=true', '--key'];
  await assert.rejects(cosign('verify', ...check, 'ours.pub', image), /no signatures found/);
  await cosign('sign', ...offline, image);
  assert.match(await cosign('verify', ...check, 'ours.pub', image), new RegExp(digest));
  await assert.rejects(cosign('verify', ...check, 'theirs.pub', image), /no matching signatures/);
  await writeFile(join(folder, 'predicate.json'), '{"found":"nothing"}');
  await cosign('attest', ...offline, '--predicate', 'predicate.json', '--type', 'custom', image);
  await cosign('verify-attestation', '--type', 'custom', ...check, 'ours.pub', image);
  const { tags } = (await (await calls.call('GET', '/v2/cosign/app/tags/list')).json()) as { tags: string[] };
  const prefix = digest.replace(':', '-');
  assert.deepEqual(tags, [`${prefix}.att`, `${prefix}.sig`, 'v1']);

  const other = await pushImage('cosign/referrers', 'v1');
  const referred = `${registry.host}/cosign/referrers@${other}`;
  process.env.COSIGN_EXPERIMENTAL = '1';
  try {
    await cosign('sign', '--registry-referrers-mode=oci-1-1', ...offline, referred);
    await cosign('verify', '--experimental-oci11', ...check, 'ours.pub', referred);
  } finally {
    delete process.env.COSIGN_EXPERIMENTAL;
  }
  const found = await calls.call('GET', `/v2/cosign/referrers/referrers/${other}`);
  const { manifests } = (await found.json()) as { manifests: { artifactType: string }[] };
  assert.match(manifests[0]?.artifactType ?? '', /cosign/);
});

/** A docker daemon of its own: no bridge, no firewall rules, nothing of the machine's. */
const startDocker = async (): Promise<{ docker: Run; stop(): Promise<void> }> => {
  const home = join(folder, 'docker');
  await mkdir(home);
  const socket = `unix://${join(home, 'socket')}`;
  const client = tool('docker');
  await writeFile(join(home, 'daemon.json'), '{}');
  const daemon = spawn(
    newerTool('dockerd') as string,
    [
      ...['--config-file', join(home, 'daemon.json'), '--pidfile', join(home, 'pid'), '-H', socket],
      ...['--data-root', join(home, 'data'), '--exec-root', join(home, 'exec'), '--storage-driver', 'vfs'],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none'],
    ],
    { env: { ...process.env, PATH: `${newerToolsPath}:${process.env.PATH}` }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  daemon.stderr.on('data', (data) => {
    log = `${log}${data}`.slice(-5_000);
  });
  const ended = new Promise((resolve) => daemon.once('close', resolve));
  const docker: Run = (...args) => client('-H', socket, ...args);
  const until = Date.now() + 60_000;
  while ((await docker('version').catch(() => undefined)) === undefined) {
    if (daemon.exitCode !== null || Date.now() > until) throw new Error(`dockerd does not answer: ${log}`);
    await sleep(200);
  }
  return {
    docker,
    async stop() {
      daemon.kill('SIGTERM');
      await ended;
    },
  };
};

test('docker pushes, pulls back the same digest, and pushes a list of platforms', async (context) => {
  if (missing(context, 'docker', 'dockerd', 'containerd')) return;
  const { docker, stop } = await startDocker();
  try {
    await writeFile(join(folder, 'payload'), randomBytes(400_000));
    await run('tar', ['-cf', 'root.tar', 'payload'], { cwd: folder });
    const image = `${registry.host}/docker/app`;
    await docker('import', 'root.tar', `${image}:v1`);
    const digest = /digest: (sha256:\S+)/.exec(await docker('push', `${image}:v1`))?.[1];
    assert.equal((await registry.catalogue.resolve('docker/app', 'v1'))?.digest, digest);
    await docker('tag', `${image}:v1`, `${registry.host}/docker/mounted:v1`);
    assert.match(await docker('push', `${registry.host}/docker/mounted:v1`), /Mounted from docker\/app/);
    await docker('rmi', `${image}:v1`, `${registry.host}/docker/mounted:v1`);
    assert.match(await docker('pull', `${image}:v1`), new RegExp(`Digest: ${digest}`));
    await docker('manifest', 'create', '--insecure', `${image}:all`, `${image}:v1`);
    await docker('manifest', 'push', '--insecure', `${image}:all`);
    assert.equal((await registry.catalogue.resolve('docker/app', 'all'))?.mediaType, MediaType.dockerManifestList);
    await docker('rmi', `${image}:v1`);
    await docker('pull', `${image}:all`);
    await assert.rejects(docker('pull', `${image}:none`), /manifest unknown|not found/);
  } finally {
    await stop();
  }
});

test('oras, crane and cosign sign in, mount and sign by token; who is not signed in gets nothing', async (context) => {
  if (missing(context, 'oras', 'crane', 'cosign')) return;
  const guarded = await startGuarded();
  try {
    const { host } = guarded;
    await writeFile(join(folder, 'note.txt'), 'for the team');
    const art = `${host}/team/art:v1`;
    await assert.rejects(oras('push', '--plain-http', art, 'note.txt:text/plain'), /401|basic credential not found/);
    await oras('login', '--plain-http', '-u', 'alice', '-p', PASSWORD, host);
    await oras('push', '--plain-http', art, 'note.txt:text/plain');
    await oras('attach', '--plain-http', '--artifact-type', 'application/x-a', art, 'note.txt:text/plain');
    await assert.rejects(oras('push', '--plain-http', `${host}/other/art:v1`, 'note.txt:text/plain'), /403|denied/);
    await assert.rejects(oras('manifest', 'delete', '--force', '--plain-http', art), /403|may not delete/);
    // Both read what oras wrote: the credentials file of docker.
    await crane('copy', art, `${host}/team/copy:v1`);
    const digest = await crane('digest', `${host}/team/copy:v1`);
    assert.deepEqual((await crane('ls', `${host}/team/copy`)).split('\n'), ['v1']);
    await cosign('generate-key-pair', '--output-key-prefix', 'guarded');
    const image = `${host}/team/copy@${digest}`;
    const key = ['--allow-http-registry', '--key'];
    await cosign('sign', ...key, 'guarded.key', '--tlog-upload=false', '--yes', image);
    await cosign('verify', ...key, 'guarded.pub', '--insecure-ignore-tlog=true', image);
    await oras('logout', host);
    await assert.rejects(crane('digest', `${host}/team/copy:v1`), /UNAUTHORIZED|401/);
  } finally {
    await guarded.close();
  }
});
