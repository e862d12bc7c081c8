import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { formatDockerfileLock, inputsDigest, type PlatformLock, parseDockerfileLock, withPlatform } from './lock.ts';

const part = (platform: string): PlatformLock => ({
  platform,
  inputs: `sha256:${'0'.repeat(64)}`,
  epoch: 1_700_000_000,
  images: [{ name: 'registry.example.com/a:1', platform, digest: `sha256:${'1'.repeat(64)}` }],
  resources: [
    { url: 'http://mirror.example.com/debian/dists/x/InRelease', size: 3, sha256: '2'.repeat(64), by: 'debian' },
    {
      url: 'https://x.example.com/y',
      accept: 'a/b',
      status: 302,
      location: '/z',
      type: 't/u',
      size: 0,
      sha256: '3'.repeat(64),
      by: 'https',
    },
  ],
});

test('what is written is read back; platforms are kept beside one another, in the same order always', () => {
  const lock = withPlatform(withPlatform(undefined, part('linux/arm64')), part('linux/amd64'));
  const text = formatDockerfileLock(lock);
  assert.deepEqual(parseDockerfileLock(text, 'x'), lock);
  assert.equal(
    formatDockerfileLock(withPlatform(withPlatform(undefined, part('linux/amd64')), part('linux/arm64'))),
    text,
  );
  assert.equal(withPlatform(lock, part('linux/amd64')).platforms.length, 2);
});

test('anything else is refused', () => {
  const good = formatDockerfileLock(withPlatform(undefined, part('linux/amd64')));
  for (const text of [
    '',
    '{',
    'a: &a [*a]',
    'kind: Lock',
    good.replace('DockerfileLock', 'Lock'),
    good.replace(/sha256: "2+"/, 'sha256: ../../etc/passwd'),
    good.replace('http://mirror', 'file:///mirror'),
    good.replace('size: 3', 'size: -1'),
    good.replace('location: /z', 'location: "/z\\r\\nx: y"'),
    good.replace(/digest: sha256:1+/, 'digest: latest'),
    good.replace('epoch: 1700000000', ''),
    good.replace(/resources:[\s\S]*/, 'resources: 1'),
    good.replace(/platforms:[\s\S]*/, 'platforms: 1'),
  ]) {
    assert.throws(
      () => parseDockerfileLock(text, 'Dockerfile.lock'),
      (error) => isHeraklitError(error, 'REBUILD_LOCK_INVALID'),
      text.slice(-300),
    );
  }
});

test('a lock is made for Dockerfile, arguments in any order, target and platform', () => {
  const inputs = {
    recipe: { dockerfile: 'FROM scratch' },
    buildArgs: { A: '1', B: '2' },
    target: undefined,
    platform: 'linux/amd64',
  };
  const digest = inputsDigest(inputs);
  assert.equal(inputsDigest({ ...inputs, buildArgs: { B: '2', A: '1' } }), digest);
  for (const other of [
    { recipe: { dockerfile: 'FROM x' } },
    { buildArgs: {} },
    { target: 'a' },
    { platform: 'linux/arm64' },
  ]) {
    assert.notEqual(inputsDigest({ ...inputs, ...other }), digest);
  }
});
