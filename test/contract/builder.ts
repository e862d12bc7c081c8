/** What every builder of Dockerfiles must do: Buildah and BuildKit run it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import type { Builder } from '../../src/build/index.ts';
import { indexLayer, type ResolvedImage } from '../../src/oci/index.ts';
import { openRebuildWorld, openRepository, type RebuildWorld } from '../support/rebuild-world.ts';

/** Path → content of what layers above the base add. */
async function ownFiles(image: ResolvedImage): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { digest, mediaType } of image.manifest.layers.slice(1)) {
    const { index, captured } = await indexLayer(await image.blobs.open(digest), mediaType, { capture: () => true });
    for (const { path, type } of index.entries) {
      if (type === 'file') files.set(path, Buffer.from(captured.get(path) ?? []).toString());
      assert.ok(!path.startsWith('dev/'), path);
    }
  }
  return files;
}

const coded =
  (code: string, ...words: RegExp[]) =>
  (error: unknown): boolean => {
    assert.ok(isHeraklitError(error, code), String(error));
    for (const word of words) assert.match(error.message, word);
    return true;
  };

/** @param open undefined where it cannot run here; it skipped the test then */
export function builderContract(name: string, open: (context: TestContext) => Builder | undefined): void {
  const opened = async (context: TestContext): Promise<{ world: RebuildWorld; builder: Builder } | undefined> => {
    const builder = open(context);
    const world = builder === undefined ? undefined : await openRebuildWorld(context);
    return builder === undefined || world === undefined ? undefined : { builder, world };
  };

  test(`${name}: what it fetches is locked, and comes from the lock the next time; nothing of ours stays`, async (context) => {
    const it = await opened(context);
    if (it === undefined) return;
    const { world, builder } = it;
    const repository = await openRepository(context, ({ url }, response) => response.end(`content of ${url}\n`));
    const { origin } = repository;
    world.mirror = `${origin}/debian`;
    const folder = await world.context('app', {
      Dockerfile: [
        '# syntax=docker.io/docker/dockerfile:1.7',
        'ARG BASE',
        'FROM $BASE AS tools',
        'RUN echo tool > /tool',
        'FROM $BASE AS last',
        'ARG WORD',
        'LABEL own=yes',
        'COPY --from=tools /tool /tool',
        'COPY . /context/',
        'ADD http://files.debian.org/debian/pool/file /added',
        'RUN --mount=type=ssh [ -S "$SSH_AUTH_SOCK" ] && echo agent > /agent',
        `RUN --mount=type=secret,id=token wget -q -O /fetched ${origin}/x && echo "$WORD $SOURCE_DATE_EPOCH" > /said && cat /run/secrets/token`,
        'FROM last',
        'RUN exit 1',
      ].join('\n'),
      '.dockerignore': 'ignored\n.dockerignore\n',
      ignored: 'x',
      taken: 'taken',
    });
    const secret = 'correct-horse-battery-staple';
    await writeFile(join(world.folder, 'token'), secret);
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    await writeFile(join(world.folder, 'key'), key, { mode: 0o600 });
    const options = {
      builder,
      target: 'last',
      epoch: 1_700_000_000,
      buildArgs: { BASE: world.base, WORD: 'said' },
      labels: { added: 'too' },
      allowed: [origin],
      ssh: [`default=${join(world.folder, 'key')}`],
      secrets: [{ id: 'token', source: join(world.folder, 'token') }],
    };
    const first = await world.build(folder, options);
    assert.deepEqual(first.built.refused, []);
    await repository.close();
    const again = await world.build(folder, { ...options, mode: 'locked', offline: true });
    assert.deepEqual(again.image.config.rootfs, first.image.config.rootfs);
    const files = await ownFiles(first.image);
    assert.equal(files.get('fetched'), 'content of /x\n');
    assert.equal(files.get('added'), 'content of /debian/pool/file\n');
    assert.deepEqual(
      [files.get('said'), files.get('tool'), files.get('context/taken')],
      ['said 1700000000\n', 'tool\n', 'taken'],
    );
    assert.ok(
      !files.has('context/ignored') && !files.has('context/Dockerfile.lock') && files.has('context/Dockerfile'),
    );
    const { config, manifest } = first.image;
    assert.deepEqual([config.config?.Labels?.own, config.config?.Labels?.added], ['yes', 'too']);
    const index = JSON.parse(await readFile(join(world.folder, 'base', 'index.json'), 'utf8'));
    assert.equal(manifest.annotations?.['org.opencontainers.image.base.digest'], index.manifests[0].digest);
    const said = JSON.stringify([config, manifest, first.built.lock]) + world.lines.join('\n');
    const [, keyLine = ''] = key.split('\n');
    for (const hidden of [secret, keyLine]) {
      assert.ok(!said.includes(hidden));
      assert.ok(![...files.values()].some((text) => text.includes(hidden)));
    }
    assert.equal(files.get('agent'), 'agent\n');
    assert.doesNotMatch(JSON.stringify([config, manifest]), /127\.0\.0\.1:3128|heraklit-base|SSL_CERT|_proxy/i);
  });

  test(`${name}: what is not locked is refused by name; failures and limits are told as such`, async (context) => {
    const it = await opened(context);
    if (it === undefined) return;
    const { world, builder } = it;
    const attempt = async (folder: string, run: string, timeout = 120) =>
      world.build(await world.context(folder, { Dockerfile: `FROM ${world.base}\nRUN ${run}` }), { builder, timeout });
    const wget = 'wget -q http://unlisted.example.com/x';
    await assert.rejects(
      attempt('url', wget),
      coded('REBUILD_NETWORK_REFUSED', /GET http:\/\/unlisted\.example\.com\/x/),
    );
    await assert.rejects(
      attempt('name', `env -u http_proxy -u https_proxy ${wget}`),
      coded('REBUILD_NETWORK_REFUSED', /host unlisted\.example\.com/),
    );
    await assert.rejects(attempt('fails', 'echo so sorry && false'), coded('REBUILD_FAILED', /so sorry/));
    await assert.rejects(attempt('slow', 'sleep 600', 3), coded('REBUILD_TIMEOUT'));
  });
}
