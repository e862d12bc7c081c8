import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/database/index.ts';
import { type Digest, digestOf, MediaType } from '../../src/oci/index.ts';
import { verifyRegistry } from '../../src/registry/maintenance/verify.ts';
import { auditLayout, openBlobStore, readLayoutIndex } from '../../src/storage/index.ts';
import { postgresqlPrograms, startCluster } from '../support/postgresql.ts';

const CHILD = resolve(import.meta.dirname, '../support/registry-stress-child.ts');
/** Milliseconds that stand for the hours of a real registry: old after this, and deleted this long after that. */
const RENEW_AFTER = 400;
const GRACE = 2_000;
const DURATION = 9_000;
const PUSHERS = 12;
const LAYERS = 300;
/** Images kept at a time, for longer than the grace. */
const LIVE = 25;
const REPOSITORIES = ['one/app', 'two/app', 'three/app'];

const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T;
const layerBytes = (number: number): Buffer => Buffer.from(`layer ${number} `.repeat(200));

interface Accepted {
  readonly repository: string;
  readonly digest: Digest;
  readonly layers: readonly number[];
}

interface Process {
  readonly child: ChildProcess;
  /** First line it printed. */
  readonly first: string;
}

async function start(
  role: 'serve' | 'collect',
  url: string,
  folder: string,
  freed: (blobs: number) => void,
): Promise<Process> {
  const child = spawn(process.execPath, [CHILD, role, url, folder, String(RENEW_AFTER), String(GRACE)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const first = Promise.withResolvers<string>();
  child.once('exit', () => first.reject(new Error(`${role} ended before it was ready`)));
  let known = false;
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (known) freed(Number(line));
      else first.resolve(line);
      known = true;
    }
  });
  return { child, first: await first.promise };
}

/** What a push that was refused or broken off says; `broken` when a server was killed under it. */
class Refused extends Error {}

async function push(server: string, repository: string, layers: readonly number[], tag: string): Promise<Digest> {
  const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const answer = await fetch(`${server}/v2/${repository}/${path}`, init);
    await answer.arrayBuffer();
    return answer;
  };
  const bring = async (bytes: Buffer): Promise<void> => {
    const digest = digestOf(bytes);
    if ((await send(`blobs/${digest}`, { method: 'HEAD' })).status === 200) return;
    if (Math.random() < 0.3) {
      const from = encodeURIComponent(pick(REPOSITORIES));
      const mounted = await send(`blobs/uploads/?mount=${digest}&from=${from}`, { method: 'POST' });
      if (mounted.status === 201) return;
    }
    const answer = await send(`blobs/uploads/?digest=${digest}`, {
      method: 'POST',
      body: bytes,
      headers: { 'content-type': 'application/octet-stream' },
    });
    if (answer.status !== 201) throw new Refused(`upload answered ${answer.status}`);
  };
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map((one) => digestOf(layerBytes(one))) },
    }),
  );
  for (const bytes of [config, ...layers.map(layerBytes)]) {
    await bring(bytes);
    // Some clients take their time between being told and naming it.
    if (Math.random() < 0.3) await sleep(Math.random() * 300);
  }
  const describe = (bytes: Buffer, mediaType: string) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: describe(config, MediaType.config),
    layers: layers.map((one) => describe(layerBytes(one), MediaType.layer)),
    annotations: { tag },
  });
  const answer = await send(`manifests/${tag}`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': MediaType.manifest },
  });
  if (answer.status !== 201) throw new Refused(`manifest answered ${answer.status}`);
  return digestOf(manifest);
}

test('pushes, mounts, deletions and collections at once, with processes killed: nothing accepted is lost', async (context) => {
  const programs = postgresqlPrograms();
  if (programs === undefined) return context.skip('postgresql not installed');
  if (spawnSync('skopeo', ['--version']).error !== undefined) return context.skip('skopeo not installed');
  const folder = await mkdtemp(join(tmpdir(), 'registry-stress-'));
  const cluster = await startCluster(programs);
  const url = await cluster.createDatabase();
  const store = join(folder, 'store');
  let freed = 0;
  let [pushed, deleted, broken, kills] = [0, 0, 0, 0];
  const refused: string[] = [];
  const accepted = new Map<string, Accepted>();
  // Migrated once before two processes want to.
  await (await openDatabase({ kind: 'postgresql', url })).close();
  const roles = ['serve', 'serve', 'collect', 'collect'] as const;
  const processes = await Promise.all(roles.map((role) => start(role, url, store, (blobs) => (freed += blobs))));
  const servers = (): readonly string[] => processes.slice(0, 2).map(({ first }) => first);
  const until = Date.now() + DURATION;
  try {
    const killer = async (): Promise<void> => {
      while (Date.now() < until - 1_000) {
        await sleep(300 + Math.random() * 900);
        const at = Math.floor(Math.random() * processes.length);
        const victim = processes[at]?.child;
        const gone = new Promise((end) => victim?.once('exit', end));
        victim?.kill('SIGKILL');
        await gone;
        kills += 1;
        processes[at] = await start(roles[at] as 'serve', url, store, (blobs) => (freed += blobs));
      }
    };
    const pusher = async (worker: number): Promise<void> => {
      const again: (readonly number[])[] = [];
      for (let round = 0; Date.now() < until; round += 1) {
        const repository = pick(REPOSITORIES);
        const tag = `w${worker}-${round}`;
        // Half of them are made of what was just deleted and may be collected at this moment.
        const layers = again.shift() ?? Array.from({ length: 3 }, () => Math.floor(Math.random() * LAYERS));
        const began = Date.now();
        try {
          accepted.set(tag, { repository, layers, digest: await push(pick(servers()), repository, layers, tag) });
          pushed += 1;
        } catch (error) {
          // Slower than the grace it may be told to push again.
          const inTime = Date.now() - began < GRACE - RENEW_AFTER;
          if (error instanceof Refused && inTime) refused.push(error.message);
          else broken += 1;
        }
        // The oldest: its blobs are past the grace, so that nothing but the manifest keeps them.
        const [oldest] = accepted;
        if (accepted.size < LIVE || oldest === undefined) continue;
        const [victim, { repository: at, digest, layers: old }] = oldest;
        // Whatever becomes of the deletion, the image is not promised any more.
        accepted.delete(victim);
        const answer = await fetch(`${pick(servers())}/v2/${at}/manifests/${digest}`, { method: 'DELETE' }).catch(
          () => undefined,
        );
        await answer?.arrayBuffer();
        deleted += 1;
        if (Math.random() < 0.5) again.push(old);
      }
    };
    await Promise.all([killer(), ...Array.from({ length: PUSHERS }, (_, worker) => pusher(worker))]);
    // What the last pushes counted on becomes old, and is collected or not by what is published alone.
    await sleep(GRACE + 1_500);

    assert.deepEqual(refused, [], 'a client that was told a blob is there can name it');
    context.diagnostic(
      `${pushed} pushed, ${deleted} deleted, ${broken} broken off, ${kills} kills, ${freed} blobs freed`,
    );
    assert.ok(pushed > 10 && kills > 0 && freed > 0, `${pushed} pushed, ${kills} kills, ${freed} freed`);
    for (const [tag, { repository, digest }] of accepted) {
      const answer = await fetch(`${servers()[0]}/v2/${repository}/manifests/${tag}`);
      assert.equal(answer.status, 200, tag);
      const bytes = Buffer.from(await answer.arrayBuffer());
      assert.equal(digestOf(bytes), digest);
      for (const { digest: named } of JSON.parse(bytes.toString()).layers) {
        const blob = await fetch(`${servers()[1]}/v2/${repository}/blobs/${named}`);
        assert.equal(digestOf(Buffer.from(await blob.arrayBuffer())), named);
      }
    }
    for (const [tag, { repository }] of [...accepted].slice(-3)) {
      const source = `docker://${servers()[0]?.replace('http://', '')}/${repository}:${tag}`;
      const copy = spawnSync('skopeo', ['copy', '--src-tls-verify=false', source, `dir:${join(folder, tag)}`], {
        encoding: 'utf8',
      });
      assert.equal(copy.status, 0, copy.stderr);
    }
    const database = await openDatabase({ kind: 'postgresql', url });
    const opened = await openBlobStore(store);
    const report = await verifyRegistry({
      database,
      store: opened,
      audit: () => auditLayout(store),
      layout: () => readLayoutIndex(store),
    });
    await database.close();
    assert.deepEqual(report.findings, []);
  } finally {
    for (const { child } of processes) {
      const gone = new Promise((end) => child.once('exit', end));
      child.kill('SIGKILL');
      await gone;
    }
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
