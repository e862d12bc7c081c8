import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isHeraklitError } from '../../../base/index.ts';
import { parseEndpoint } from './endpoint.ts';
import { namedEndpoint } from './open.ts';

test('addresses are read as the tools write them', () => {
  const ssh = { kind: 'ssh', host: 'web1.example' } as const;
  assert.deepEqual(parseEndpoint('unix:///run/podman/podman.sock'), {
    kind: 'socket',
    path: '/run/podman/podman.sock',
  });
  assert.deepEqual(parseEndpoint('ssh://web1.example'), ssh);
  assert.deepEqual(parseEndpoint('ssh://deploy@web1.example:2222/run/podman/podman.sock', { sshKeyFile: '/k' }), {
    ...ssh,
    user: 'deploy',
    port: 2222,
    path: '/run/podman/podman.sock',
    sshKeyFile: '/k',
  });
  assert.deepEqual(parseEndpoint('ssh://[fd00::1]:22/'), { kind: 'ssh', host: 'fd00::1', port: 22 });
  const tls = { caFile: '/ca' };
  const tcp = { kind: 'tcp', host: 'web1', unverified: false } as const;
  assert.deepEqual(parseEndpoint('tcp://web1', { tls }), { ...tcp, port: 2376, tls });
  assert.deepEqual(parseEndpoint('https://web1:9'), { ...tcp, port: 9, tls: {} });
  assert.deepEqual(parseEndpoint('tcp://web1', { insecure: true }), {
    ...tcp,
    port: 2375,
    tls: undefined,
    unverified: true,
  });
});

test('what ssh could take for an option, and what nobody verifies, is refused', () => {
  for (const text of [
    'ssh://-oProxyCommand=touch%20x/',
    'ssh://-l@host',
    'ssh://a:secret@host',
    'ssh://host/run/x.sock:1',
    'ssh://host/a%20b',
    'ssh://host:0',
    'ssh://host:80',
    'tcp://',
    'web1',
    '/run/podman.sock',
    'fd://',
    'npipe:////./pipe/docker_engine',
  ]) {
    assert.throws(
      () => parseEndpoint(text),
      (error) => isHeraklitError(error, 'ENGINE_HOST_ENDPOINT_INVALID'),
      text,
    );
  }
  for (const [text, options] of [
    ['tcp://web1:2375', {}],
    ['tcp://127.0.0.1:2375', {}],
    ['http://web1', {}],
    ['tcp://web1', { tls: {}, skipVerify: true }],
  ] as const) {
    assert.throws(
      () => parseEndpoint(text, options),
      (error) => isHeraklitError(error, 'ENGINE_HOST_UNTRUSTED'),
      text,
    );
  }
});

test('the environment, contexts and connections are read as their tools read them', async () => {
  const home = await mkdtemp(join(tmpdir(), 'heraklit-endpoint-'));
  try {
    const own = join(home, '.config/containers');
    await mkdir(own, { recursive: true });
    const connections = { old: { URI: 'ssh://a@old/x.sock', Identity: '/old' }, both: { URI: 'ssh://json' } };
    await writeFile(join(own, 'podman-connections.json'), JSON.stringify({ Connection: { Connections: connections } }));
    const toml =
      '[engine.service_destinations.both]\nuri = "ssh://toml"\n[engine.service_destinations.plain]\nuri = "tcp://x:1"\n';
    await writeFile(join(own, 'containers.conf'), toml);
    const at = async (environment: NodeJS.ProcessEnv, command?: 'podman' | 'docker') =>
      await namedEndpoint({
        environment: { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), ...environment },
        ...(command === undefined ? {} : { command }),
      });
    assert.equal(await at({}), undefined);
    assert.equal(await at({ DOCKER_HOST: 'unix:///x.sock' }), undefined);
    assert.deepEqual(await at({ CONTAINER_CONNECTION: 'old' }), {
      ...{ kind: 'ssh', host: 'old', user: 'a', path: '/x.sock', sshKeyFile: '/old' },
    });
    assert.deepEqual(await at({ CONTAINER_CONNECTION: 'both' }), { kind: 'ssh', host: 'json' });
    const ssh = { CONTAINER_HOST: 'ssh://a', DOCKER_HOST: 'ssh://b', CONTAINER_SSHKEY: '/k' };
    assert.deepEqual(await at(ssh), { kind: 'ssh', host: 'a', sshKeyFile: '/k' });
    assert.deepEqual(await at({ ...ssh, DOCKER_CONTEXT: 'none' }, 'docker'), { kind: 'ssh', host: 'b' });
    await assert.rejects(at({ CONTAINER_CONNECTION: 'plain' }), (error) =>
      isHeraklitError(error, 'ENGINE_HOST_UNTRUSTED'),
    );
    await writeFile(join(own, 'podman-connections.json'), '{');
    for (const environment of [{ CONTAINER_CONNECTION: 'old' }, { DOCKER_CONTEXT: '../../etc' }]) {
      await assert.rejects(at(environment), (error) => isHeraklitError(error, 'ENGINE_HOST_ENDPOINT_INVALID'));
    }
  } finally {
    await rm(home, { recursive: true });
  }
});
