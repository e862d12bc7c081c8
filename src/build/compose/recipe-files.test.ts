import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Recipe, RecipeFile } from '../../recipe/index.ts';
import { certificateItems } from './certificates.ts';
import { recipeItems } from './recipe-files.ts';
import { subjectHash } from './subject-hash.ts';

function folder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'recipe-files-'));
  context.after(() => rmSync(made, { recursive: true }));
  return made;
}

const recipeOf = (more: Partial<Recipe>): Recipe => ({ apiVersion: 'heraklit/v1', kind: 'Image', name: 'x', ...more });

async function listed(directory: string, files: readonly RecipeFile[], confine?: string): Promise<readonly string[]> {
  const items = await recipeItems(recipeOf({ files }), directory, confine, 7);
  return items.map(({ header, content }) => {
    const what = header.type === 'symlink' ? `→ ${header.linkName}` : header.type === 'file' ? String(content) : '/';
    return `${header.path} ${header.mode.toString(8)} ${header.uid}:${header.gid} ${what}`;
  });
}

test('folders and patterns beside a recipe become trees, in one order and without foreign modes', async (context) => {
  const root = folder(context);
  mkdirSync(join(root, 'app', 'conf.d', 'deep'), { recursive: true });
  writeFileSync(join(root, 'app', 'b'), 'b', { mode: 0o600 });
  writeFileSync(join(root, 'app', 'a'), 'a', { mode: 0o775 });
  writeFileSync(join(root, 'app', 'conf.d', 'one.conf'), '1');
  writeFileSync(join(root, 'app', 'conf.d', 'deep', 'two.conf'), '2');
  writeFileSync(join(root, 'app', 'conf.d', 'deep', 'x.bak'), 'x');
  symlinkSync('../../etc', join(root, 'app', 'link'));
  const tree = await listed(root, [
    { path: '/srv/app/', source: 'app', exclude: ['*.bak', 'conf.d/one.conf'], uid: 5 },
  ]);
  assert.deepEqual(tree, [
    'srv/app 755 5:0 /',
    'srv/app/a 755 5:0 a',
    'srv/app/b 644 5:0 b',
    'srv/app/conf.d 755 5:0 /',
    'srv/app/conf.d/deep 755 5:0 /',
    'srv/app/conf.d/deep/two.conf 644 5:0 2',
    'srv/app/link 777 5:0 → ../../etc',
  ]);
  const modes = { mode: '0640', directoryMode: '0750' };
  const flat = await listed(root, [{ path: '/etc/c', source: 'app/conf.d/*.conf', ...modes }]);
  assert.deepEqual(flat, ['etc/c 750 0:0 /', 'etc/c/one.conf 640 0:0 1']);
  const deep = await listed(root, [{ path: '/etc/c', source: 'app/**/*.conf', exclude: ['deep'] }]);
  assert.deepEqual(deep.slice(1), ['etc/c/conf.d/one.conf 644 0:0 1']);
  // A folder's own entry counts, wherever it stands.
  const own = { path: '/srv/app', directory: true, mode: '0700' };
  assert.match((await listed(root, [{ path: '/srv/app', source: 'app' }, own]))[0] ?? '', /^srv\/app 700/);
  writeFileSync(join(root, 'app', '[x]'), 'named so');
  assert.deepEqual(await listed(root, [{ path: '/x', source: 'app/[x]' }]), ['x 644 0:0 named so']);
});

test('what is not there, not allowed or no file is refused', async (context) => {
  const root = folder(context);
  mkdirSync(join(root, 'in', 'empty'), { recursive: true });
  mkdirSync(join(root, 'out'));
  writeFileSync(join(root, 'out', 'secret'), 's');
  symlinkSync('../out', join(root, 'in', 'way'));
  spawnSync('mkfifo', [join(root, 'out', 'pipe')]);
  const invalid = { code: 'COMPOSE_SOURCE_INVALID' };
  const inside = join(root, 'in');
  for (const source of ['way', 'way/*', 'way/secret']) {
    await assert.rejects(listed(inside, [{ path: '/x', source }], inside), { ...invalid, message: /outside/ }, source);
  }
  for (const source of ['gone', 'gone/*', 'empty', 'empty/*']) {
    await assert.rejects(listed(inside, [{ path: '/x', source }], inside), invalid, source);
  }
  await assert.rejects(listed(root, [{ path: '/x', source: 'out' }]), { ...invalid, message: /neither file, folder/ });
});

test('the names by which OpenSSL finds certificates are those of openssl rehash', (context) => {
  const certificates = '/etc/ssl/certs';
  const names = readdirSync(certificates).filter((name) => /^[0-9a-f]{8}\.[0-9]+$/.test(name));
  if (names.length === 0) return context.skip('ca-certificates not installed');
  for (const name of names) {
    const { raw } = new X509Certificate(readFileSync(join(certificates, name)));
    assert.equal(subjectHash(raw), name.slice(0, 8), name);
  }
});

test('CA certificates are installed as update-ca-certificates does; anything else is refused', async (context) => {
  if (spawnSync('openssl', ['version']).status !== 0) return context.skip('openssl not installed');
  const root = folder(context);
  for (const [name, subject] of [
    ['b.crt', '/C=DE/O=A  B /CN=ÄÖ x'],
    ['a.pem', '/CN=two+OU=parts+O=in one'],
  ] as const) {
    const out = ['-keyout', join(root, 'key.pem'), '-out', join(root, name)];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-multivalue-rdn', '-utf8'];
    const made = spawnSync('openssl', ['req', '-x509', ...key, '-subj', subject, ...out], { encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
  }
  const hash = (name: string): string =>
    spawnSync('openssl', ['x509', '-noout', '-subject_hash', '-in', join(root, name)])
      .stdout.toString()
      .trim();
  const request = (...caCertificates: string[]) => ({ recipe: recipeOf({ caCertificates }), directory: root });
  const taken = new Set([`etc/ssl/certs/${hash('a.pem')}.0`]);
  const items = await certificateItems(request('b.crt', 'a.pem'), Buffer.from('before\n'), taken, 7);
  assert.deepEqual(
    items.map(({ header }) => [header.path, header.linkName]),
    [
      ['usr/local/share/ca-certificates/a.crt', undefined],
      ['etc/ssl/certs/a.pem', '/usr/local/share/ca-certificates/a.crt'],
      [`etc/ssl/certs/${hash('a.pem')}.1`, 'a.pem'],
      ['usr/local/share/ca-certificates/b.crt', undefined],
      ['etc/ssl/certs/b.pem', '/usr/local/share/ca-certificates/b.crt'],
      [`etc/ssl/certs/${hash('b.crt')}.0`, 'b.pem'],
      ['etc/ssl/certs/ca-certificates.crt', undefined],
    ],
  );
  const pem = (name: string): string => readFileSync(join(root, name), 'utf8');
  assert.equal(String(items.at(-1)?.content), `before\n${pem('a.pem')}${pem('b.crt')}`);
  writeFileSync(join(root, 'two.crt'), pem('a.pem') + pem('b.crt'));
  writeFileSync(join(root, 'broken.crt'), pem('a.pem').replace(/\n[A-Za-z0-9+/]{20}/, '\n'));
  for (const name of ['two.crt', 'key.pem', 'broken.crt']) {
    await assert.rejects(certificateItems(request(name), undefined, new Set(), 7), {
      code: 'COMPOSE_CERTIFICATE_INVALID',
    });
  }
});
