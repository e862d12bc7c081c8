/** A machine without any network works from an imported bundle: in a network namespace of its own, which has no way out. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openAdvisoryHome } from '../support/advisory-home.ts';
import type { Ended } from '../support/cli.ts';

const BIN = fileURLToPath(new URL('../../bin/heraklit.js', import.meta.url));

/** Asynchronous: an own loopback server would be in another network anyway, but the test's must not stand still. */
function withoutNetwork(root: string, home: string, args: readonly string[]): Promise<Ended> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HERAKLIT_'));
  const env = { ...Object.fromEntries(own), HERAKLIT_HOME: home, NO_COLOR: '1' };
  const child = spawn('unshare', ['--net', '--', process.execPath, BIN, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

test('outdated, patch and build work from a bundle with the network off', async (context) => {
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) return context.skip('unshare not permitted');
  const home = await openAdvisoryHome(context);
  const [key, publicKey] = [join(home.root, 'bundle.key'), join(home.root, 'bundle.pub')];
  const pair = generateKeyPairSync('ed25519');
  await writeFile(key, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  await writeFile(publicKey, pair.publicKey.export({ format: 'pem', type: 'spki' }));

  const recipe = join(home.root, 'web.yaml');
  await writeFile(
    recipe,
    'apiVersion: heraklit/v1\nkind: Image\nname: web\ndistribution: debian/trixie\npackages: [libone]\nscripts: none\n',
  );
  const early = await home.run([
    'feed',
    'export',
    join(home.root, 'x'),
    '--key',
    key,
    '--packages',
    recipe,
    ...home.sources,
  ]);
  assert.deepEqual([early.code, /RECIPE_NOT_LOCKED/.test(early.stderr)], [2, true], early.stderr);
  const built = await home.run(['build', recipe, ...home.sources, '-o', 'oci:built:web', '--format', 'json']);
  assert.equal(built.code, 0, built.stderr);
  const rating = {
    releases: { trixie: { status: 'resolved', repositories: {}, fixed_version: '2.0-1+deb13u1', urgency: 'low' } },
  };
  const tracker = await home.write('tracker.json', { libtwo: { 'CVE-2026-20001': rating } });
  assert.equal((await home.run(['feed', 'import', tracker])).code, 0);
  const before = await home.run(['outdated', home.image, ...home.sources, '--format', 'json']);
  const bundle = join(home.root, 'site.bundle');
  const exported = await home.run([
    'feed',
    'export',
    bundle,
    '--key',
    key,
    '--packages',
    home.image,
    recipe,
    ...home.sources,
    '--format',
    'json',
  ]);
  assert.equal(exported.code, 0, exported.stderr);
  const facts = JSON.parse(exported.stdout);
  assert.deepEqual([facts.repositories.length, facts.packages, facts.feeds], [3, 2, 1]);

  const away = join(home.root, 'away');
  await mkdir(away);
  const offline = (...args: readonly string[]): Promise<Ended> => withoutNetwork(away, join(away, 'home'), args);
  // The mirror that is named is on no network of this machine; the key says whose word counts.
  const sources = ['--mirror', 'http://127.0.0.1:9/debian', '--keyring', join(home.root, 'key.asc'), '--offline'];
  const untrusted = await offline('feed', 'import', bundle);
  assert.equal(untrusted.code, 2, untrusted.stderr);
  const nothing = await offline('outdated', home.image, ...sources);
  assert.match(nothing.stderr, /FEED_OFFLINE/);
  const imported = await offline('feed', 'import', bundle, '--key', publicKey);
  assert.equal(imported.code, 0, imported.stderr);
  assert.match(imported.stdout, /3 repositories, 2 packages, 1 feed/);

  const after = await offline('outdated', home.image, ...sources, '--format', 'json');
  assert.equal(after.code, 0, after.stderr);
  const withoutDrop = (text: string): object =>
    JSON.parse(text, (name, value) => (name === 'dropsAt' ? undefined : value));
  assert.deepEqual(withoutDrop(after.stdout), withoutDrop(before.stdout));
  const patched = await offline('patch', home.image, '-o', 'oci:patched:one', ...sources);
  assert.equal(patched.code, 0, patched.stderr);
  const clean = await offline('outdated', 'oci:patched:one', ...sources, '--format', 'json');
  assert.deepEqual(JSON.parse(clean.stdout).images[0].findings, [], clean.stderr);
  await copyFile(recipe, join(away, 'web.yaml'));
  await copyFile(`${recipe}.lock`, join(away, 'web.yaml.lock'));
  const again = await offline('build', 'web.yaml', ...sources, '-o', 'oci:built:web', '--format', 'json');
  assert.equal(again.code, 0, again.stderr);
  assert.equal(JSON.parse(again.stdout).digest, JSON.parse(built.stdout).digest);
  const network = await offline('outdated', home.image, ...sources.slice(0, -1));
  assert.match(network.stderr, /FEED_UNREACHABLE/, 'there really is no network');
});
