import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { authFiles, findCredentials } from './credentials.ts';

const pair = (username: string, password: string) => Buffer.from(`${username}:${password}`).toString('base64');

const withFile = async (
  content: unknown,
  work: (environment: NodeJS.ProcessEnv, folder: string) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'auth-'));
  try {
    const path = join(folder, 'auth.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    await work({ REGISTRY_AUTH_FILE: path, PATH: `${folder}:${process.env.PATH}` }, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('the most specific entry wins, others do not leak to other hosts', () =>
  withFile(
    {
      auths: {
        'registry.example': { auth: pair('host', 'p:with:colons') },
        'registry.example/team': { auth: pair('team', 't') },
        'registry.example/team/app': { identitytoken: 'refresh' },
      },
    },
    async (environment) => {
      const find = (repository: string, registry = 'registry.example') =>
        findCredentials(registry, repository, environment);
      assert.deepEqual(await find('other/app'), { kind: 'password', username: 'host', password: 'p:with:colons' });
      assert.deepEqual(await find('team/lib'), { kind: 'password', username: 'team', password: 't' });
      assert.deepEqual(await find('team/app'), { kind: 'token', identityToken: 'refresh' });
      assert.equal(await find('team/app', 'registry.example.evil'), undefined);
      assert.equal(await find('team/app', 'registry'), undefined);
    },
  ));

test("Docker Hub goes by docker login's old name", () =>
  withFile({ auths: { 'https://index.docker.io/v1/': { auth: pair('me', 'x') } } }, async (environment) => {
    assert.equal((await findCredentials('docker.io', 'library/debian', environment))?.kind, 'password');
  }));

test('a credential helper is asked by its own protocol', () =>
  withFile(
    { credHelpers: { 'registry.example': 'test', 'absent.example': 'nowhere', 'odd.example': '../evil' } },
    async (environment, folder) => {
      const helper = join(folder, 'docker-credential-test');
      await writeFile(helper, '#!/bin/sh\nread host\nprintf \'{"Username":"%s","Secret":"s"}\' "$host"\n');
      await chmod(helper, 0o755);
      const found = await findCredentials('registry.example', 'app', environment);
      assert.deepEqual(found, { kind: 'password', username: 'registry.example', password: 's' });
      for (const host of ['absent.example', 'odd.example']) {
        await assert.rejects(findCredentials(host, 'app', environment), { code: 'REGISTRY_AUTH_FILE_INVALID' });
      }
    },
  ));

test('a broken file is a coded error that quotes nothing of it', async () => {
  for (const content of [
    '{"auths": {"a": {"auth": "c2VjcmV0',
    '"secret"',
    '{"auths":{"registry.example":{"auth":"c2VjcmV0"}}}',
  ]) {
    await withFile(content, async (environment) => {
      await assert.rejects(
        findCredentials('registry.example', 'app', environment),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'REGISTRY_AUTH_FILE_INVALID');
          assert.doesNotMatch(`${error.message}${String(error.cause)}`, /secret|c2VjcmV0/);
          return true;
        },
      );
    });
  }
});

test('files of podman come before those of docker; a missing file is no error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'auth-'));
  try {
    const environment = { HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run') };
    assert.equal(await findCredentials('registry.example', 'app', environment), undefined);
    for (const [index, path] of authFiles(environment).entries()) {
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, JSON.stringify({ auths: { [`r${index}.example`]: { auth: pair(`u${index}`, 'p') } } }));
      const found = await findCredentials(`r${index}.example`, 'app', environment);
      assert.equal(found?.kind === 'password' && found.username, `u${index}`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
