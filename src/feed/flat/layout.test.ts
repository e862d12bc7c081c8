import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discoverMirrors } from '../mirrors.ts';
import { FAMILY_SOURCES, familyUrls, keysOfSources } from './family-sources.ts';
import { mirrorOfUrl, placeRepositories } from './layout.ts';

const file = (path: string, text: string) => ({ path, bytes: Buffer.from(text) });
const NOWHERE = { environment: {}, hostSources: [], known: {} };

test('where the repositories of a distribution lie', () => {
  const roots = (distribution: string, components?: readonly string[]) =>
    placeRepositories(['https://m.example/x'], { distribution, architecture: 'x86_64' }, components).map(
      ({ component, folder, roots }) => [component, folder, ...roots.keys()],
    );
  assert.deepEqual(roots('alpine/3.22'), [
    ['main', 'v3.22/main', 'https://m.example/x/v3.22/main'],
    ['community', 'v3.22/community', 'https://m.example/x/v3.22/community'],
  ]);
  assert.deepEqual(roots('alpine/edge', ['testing']), [
    ['testing', 'edge/testing', 'https://m.example/x/edge/testing'],
  ]);
  assert.deepEqual(roots('wolfi/rolling'), [['os', '', 'https://m.example/x']]);
  assert.deepEqual(roots('arch/rolling', ['core']), [['core', 'core/os/x86_64', 'https://m.example/x/core/os/x86_64']]);
  // Words that would lead elsewhere do not.
  assert.deepEqual(roots('arch/rolling', ['../../evil']), [
    ['../../evil', '_/os/x86_64', 'https://m.example/x/_/os/x86_64'],
  ]);
});

test('the mirror of a configured repository, none of another layout', () => {
  assert.equal(mirrorOfUrl('alpine', 'https://m.example/alpine/v3.20/community/'), 'https://m.example/alpine');
  assert.equal(mirrorOfUrl('alpine', 'https://m.example/alpine/edge/testing'), 'https://m.example/alpine');
  assert.equal(mirrorOfUrl('alpine', 'https://vendor.example/packages'), undefined);
  assert.equal(mirrorOfUrl('arch', 'https://m.example/$repo/os/$arch'), 'https://m.example');
  assert.equal(mirrorOfUrl('arch', 'https://m.example/archlinux/core/os/x86_64'), 'https://m.example/archlinux');
  assert.equal(mirrorOfUrl('wolfi', 'https://m.example/os'), 'https://m.example/os');
});

const REPOSITORIES = file(
  'etc/apk/repositories',
  [
    '#https://off.example/alpine/v3.22/main',
    'https://a.example/alpine/v3.22/main',
    'https://a.example/alpine/v3.22/community',
    '@edge https://tagged.example/alpine/edge/main',
    '/media/cdrom/apks',
    'v2 https://b.example/alpine/v3.22 main community',
    'https://vendor.example/stuff',
    'v3 $'.concat('{mirror} main'),
    'http://10.0.0.7/alpine/v3.22/main',
    'file:///srv/alpine/v3.22/main',
  ].join('\n'),
);

test('the mirrors that an image names, as far as it may name them', async () => {
  const { main, security, origin } = await discoverMirrors({ id: 'alpine', ...NOWHERE, imageSources: [REPOSITORIES] });
  assert.deepEqual(main, ['https://a.example/alpine', 'https://b.example/alpine']);
  assert.deepEqual(security, main);
  assert.equal(origin, "the image's apk repositories");
  const list = file(
    'etc/pacman.d/mirrorlist',
    '# Server = https://off.example/$repo/os/$arch\nServer = https://c.example/arch/$repo/os/$arch\n',
  );
  const arch = await discoverMirrors({ id: 'arch', ...NOWHERE, imageSources: [list, REPOSITORIES] });
  assert.deepEqual(arch.main, ['https://c.example/arch']);
});

test('the option, the environment and the host before what ships', async () => {
  const known = { alpine: { main: ['https://k.example/alpine'], security: [] } };
  const search = { id: 'alpine', environment: {}, hostSources: [], known };
  assert.deepEqual((await discoverMirrors(search)).main, ['https://k.example/alpine']);
  assert.deepEqual((await discoverMirrors({ ...search, hostSources: [REPOSITORIES] })).main, [
    'https://a.example/alpine',
    'https://b.example/alpine',
    'http://10.0.0.7/alpine',
    'file:///srv/alpine',
  ]);
  const environment = { HERAKLIT_MIRROR_ALPINE: 'https://e.example/alpine' };
  assert.deepEqual((await discoverMirrors({ ...search, environment })).main, ['https://e.example/alpine']);
  assert.deepEqual((await discoverMirrors({ ...search, option: 'file:///srv/alpine/' })).main, ['file:///srv/alpine']);
  await assert.rejects(discoverMirrors({ ...search, known: {} }), { code: 'FEED_NO_MIRROR' });
});

test('keys of an image, and nothing that is none', () => {
  const key = '-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----\n';
  const files = [
    file('etc/apk/keys/a.rsa.pub', key),
    file('etc/apk/keys/README', 'no key'),
    file('etc/apk/keys/large.rsa.pub', key.repeat(1000)),
    file('usr/share/apk/keys/b.rsa.pub', key),
  ];
  assert.deepEqual(keysOfSources(files), [{ name: 'a.rsa.pub', content: key }]);
});

test('only configuration of the family is looked at', () => {
  assert.deepEqual(familyUrls('deb', [REPOSITORIES]), []);
  assert.deepEqual(familyUrls('alpm', [REPOSITORIES]), []);
  for (const places of Object.values(FAMILY_SOURCES)) for (const place of places) assert.ok(!place.startsWith('/'));
});
