import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../src/base/index.ts';
import { openRpm, readKeyring } from '../../src/distro/index.ts';
import { hasRpmTools, type RpmSpec, RpmWorld } from '../support/rpm-world.ts';

const installed = hasRpmTools('rpm', 'rpmbuild');
let world: RpmWorld;
before(async () => {
  if (installed) world = await RpmWorld.create();
});
after(() => world?.remove());

const SPEC: RpmSpec = {
  name: 'files',
  evr: '2:1.0-1.el9',
  files: { '/usr/share/files/text': 'some text', '/usr/share/files/empty': '' },
  configs: { '/etc/files.conf': 'a=1' },
  install: [
    'ln -s text %{buildroot}/usr/share/files/link',
    'ln %{buildroot}/usr/share/files/text %{buildroot}/usr/share/files/twin',
    'mkdir -p %{buildroot}/usr/share/files/folder && chmod 750 %{buildroot}/usr/share/files/folder',
    'head -c 300000 /dev/zero > %{buildroot}/usr/share/files/large',
  ],
  listed: [
    '/usr/share/files/link',
    '/usr/share/files/twin',
    '%dir /usr/share/files/folder',
    '/usr/share/files/large',
    '%ghost /var/log/files.log',
  ],
};
const INSTALL = 'mkdir -p %{buildroot}/var/log && touch %{buildroot}/var/log/files.log';
const PAYLOADS = ['w9.gzdio', 'w3.zstdio', 'w1.xzdio'];

test('files of packages in every compression are those that rpm lists', async (context) => {
  if (!installed) return context.skip('rpm or rpmbuild not installed');
  for (const payload of PAYLOADS) {
    const spec = { ...SPEC, payload, install: [...(SPEC.install ?? []), INSTALL] };
    const [path = ''] = await world.build([spec], payload);
    const rpm = openRpm(readFileSync(path), path);
    const one = rpm.package;
    assert.deepEqual([one.name, one.version, one.architecture], ['files', '2:1.0-1.el9', 'noarch']);
    const format = '[%{FILENAMES} %{FILEMODES:octal} %{FILELINKTOS}\\n]';
    const told = execFileSync('rpm', ['-qp', '--qf', format, path], { encoding: 'utf8' }).trim().split('\n');
    assert.deepEqual(
      rpm.paths,
      told.map((line) => line.split(' ')[0]),
    );
    const files = await rpm.files();
    const kind = { file: '10', directory: '04', symlink: '12', other: '' } as const;
    const listed = files.map((file) => {
      const mode = `${kind[file.type]}${file.mode.toString(8).padStart(4, '0')}`;
      return `/${file.path} ${mode.padStart(7, '0')} ${file.linkName ?? ''}`.trim();
    });
    const expected = told.map((line) => line.trim()).filter((line) => !line.startsWith('/var/log'));
    assert.deepEqual(
      listed.sort(),
      expected.map((line) => line.replace(/ (\d+)/, (_, mode) => ` ${mode.padStart(7, '0')}`)).sort(),
    );
    const content = (path: string) => files.find((file) => file.path === path)?.content.toString('latin1');
    assert.equal(content('usr/share/files/text'), 'some text');
    assert.equal(content('usr/share/files/twin'), 'some text');
    assert.equal(content('etc/files.conf'), 'a=1');
    assert.equal(content('usr/share/files/large'), '\0'.repeat(300_000));
  }
});

test('a signature by a key of the keyring holds, and by no other', async (context) => {
  if (!installed || !hasRpmTools('gpg')) return context.skip('rpm or gpg not installed');
  const [path = ''] = await world.build(
    [{ name: 'signed', evr: '1-1', files: { '/usr/share/signed': 'x' } }],
    'signed',
  );
  await assert.rejects(
    openRpm(readFileSync(path)).verify(await readKeyring('none', [await newKey('none')]), Date.now()),
    (error) => isHeraklitError(error, 'RELEASE_UNSIGNED'),
  );
  const armored = await newKey('signer');
  const home = join(world.folder, 'gpg-signer');
  const defines = ['--define', `_gpg_path ${home}`, '--define', '_gpg_name signer', '--define', '__gpg /usr/bin/gpg'];
  const signed = spawnSync('rpmsign', [...defines, '--addsign', path], {
    encoding: 'utf8',
    env: { ...process.env, GNUPGHOME: home },
  });
  stopAgents();
  assert.equal(signed.status, 0, signed.stderr);
  const bytes = readFileSync(path);
  const keyring = await readKeyring('signer', [armored]);
  const [fingerprint] = await openRpm(bytes).verify(keyring, Date.now());
  assert.match(fingerprint ?? '', /^[0-9A-F]{40}$/);
  const refused = (error: unknown) => isHeraklitError(error, 'RELEASE_UNSIGNED', 'DISTRO_PACKAGE_INVALID');
  await assert.rejects(openRpm(bytes).verify(await readKeyring('other', [await newKey('other')]), Date.now()), refused);
  stopAgents();
  // Whatever byte of header or payload is changed, the package is refused.
  const start = bytes.indexOf(Buffer.from('8eade801', 'hex'), 104);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: start, max: bytes.length - 1 }), fc.nat(7), async (at, bit) => {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] as number) ^ (1 << bit);
      await assert.rejects(async () => openRpm(broken).verify(keyring, Date.now()), refused);
    }),
    { numRuns: 60 },
  );
});

const homes: string[] = [];

/** A new key in a home of its own; its public half. */
async function newKey(name: string): Promise<string> {
  const home = join(world.folder, `gpg-${name}`);
  mkdirSync(home, { mode: 0o700 });
  homes.push(home);
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...args], { encoding: 'utf8', stdio: 'pipe' });
  gpg('--passphrase', '', '--quick-generate-key', name, 'rsa2048', 'sign', 'never');
  return gpg('--armor', '--export', name);
}

function stopAgents(): void {
  for (const home of homes.splice(0)) spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
}

test('packages cut off or with flipped bits are refused, or say what they are', async (context) => {
  if (!installed) return context.skip('rpm or rpmbuild not installed');
  const [path = ''] = await world.build([{ ...SPEC, install: [...(SPEC.install ?? []), INSTALL] }], 'fuzz');
  const bytes = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, value, cut) => {
      const broken = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
      if (!cut) broken[at] = value;
      try {
        await openRpm(broken).files();
      } catch (error) {
        assert.ok(isHeraklitError(error, 'DISTRO_PACKAGE_INVALID'), String(error));
      }
    }),
    { numRuns: 200 },
  );
});
