import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertRefused, openCli } from '../support/cli.ts';
import { buildMirror, createSigner, type TestPackage, writeMirror } from '../support/debian-mirror.ts';

const signer = await createSigner();

function pkg(name: string, version: string, more: Readonly<Record<string, string>> = {}): TestPackage {
  return {
    control: { Package: name, Version: version, Architecture: 'amd64', Maintainer: 'x <x@example.org>', ...more },
    files: { [`usr/share/${name}`]: version },
  };
}

const OLD = [
  pkg('web', '1', { Depends: 'libssl (>= 1), libxml' }),
  pkg('libssl', '1', { Source: 'openssl' }),
  pkg('openssl', '1', { Source: 'openssl', Depends: 'libssl (= 1)' }),
  pkg('libxml', '1'),
];
const NEW = [
  pkg('web', '2', { Depends: 'libssl (>= 1), libxml' }),
  pkg('libssl', '2', { Source: 'openssl' }),
  pkg('openssl', '2', { Source: 'openssl', Depends: 'libssl (= 2)' }),
  pkg('libxml', '2'),
  pkg('tool', '1'),
];

const RECIPE = `apiVersion: heraklit/v1
kind: Image
name: image
distribution: debian/trixie
scripts: none
packages: ["web (>= 1)", openssl]
`;

test('heraklit lock: writes, moves one package, keeps what has left the mirror, names drift', async (context) => {
  const cli = await openCli(context);
  const publish = async (packages: readonly TestPackage[]): Promise<void> => {
    const suites = ['trixie', 'trixie-updates', 'trixie-security'].map((suite) => ({
      suite,
      packages: suite === 'trixie' ? packages : [],
    }));
    await rm(join(cli.root, 'mirror'), { recursive: true, force: true });
    await writeMirror(await buildMirror(suites, signer.sign, Date.now()), join(cli.root, 'mirror'));
    // The state seen a moment ago counts as current: look anew.
    await rm(join(cli.home, 'cache', 'releases'), { recursive: true, force: true });
  };
  const source = ['--mirror', `file://${cli.root}/mirror/debian`, '--keyring', 'key.asc'];
  const lock = (...more: readonly string[]) => cli.run(['lock', 'image.yaml', ...source, ...more]);
  const lockText = (): Promise<string> => readFile(join(cli.root, 'image.yaml.lock'), 'utf8');
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  await writeFile(join(cli.root, 'image.yaml'), RECIPE);
  await publish(OLD);

  assertRefused(await lock('--locked'), { code: 'COMPOSE_LOCK_STALE', says: ['there is no lock'] });
  const first = await lock();
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^image: 4 packages of amd64 locked in .*image\.yaml\.lock\n$/);
  const before = await lockText();
  const built = await cli.run(['build', 'image.yaml', '-o', 'oci:out:image', '--offline', '--locked']);
  assert.equal(built.code, 0, built.stderr);
  assert.equal(await lockText(), before, 'a build from a lock finds nothing to add to it');

  await publish(NEW);
  assert.match((await lock()).stdout, /as before/);
  const moved = await lock('--update', 'src:openssl');
  assert.equal(moved.code, 0, moved.stderr);
  const lines = ['~ libssl:amd64 1 → 2', '~ openssl:amd64 1 → 2'];
  assert.deepEqual(moved.stdout.trim().split('\n').slice(1), lines);
  const offline = await cli.run(['build', 'image.yaml', '-o', 'oci:out:image', '--offline', '--locked']);
  assert.equal(offline.code, 0, offline.stderr);

  assertRefused(await lock('--update', 'webb'), { code: 'COMPOSE_NOT_LOCKED', exit: 2, says: ['Did you mean web?'] });
  await writeFile(join(cli.root, 'image.yaml'), `${RECIPE.replace('openssl]', 'openssl, tool]')}hold: [web]\n`);
  assertRefused(await lock('--locked'), { code: 'COMPOSE_LOCK_STALE', says: ['now asked for: package tool'] });
  assertRefused(await lock('--update', 'web'), { code: 'COMPOSE_HELD', says: ['web would have to change'] });
  const all = JSON.parse((await lock('--update', '--format', 'json')).stdout);
  assert.deepEqual(
    all.changes.map(({ package: name, from, to }: Record<string, string>) => `${name} ${from} ${to}`),
    ['libxml 1 2', 'tool undefined 1'],
    'what is on hold stays',
  );
});
