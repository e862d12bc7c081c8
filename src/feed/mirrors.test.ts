import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isHeraklitError } from '../base/index.ts';
import { type AptSourceFile, parseAptSources } from './apt-sources.ts';
import { discoverMirrors, type MirrorSearch, readAptSources } from './mirrors.ts';

const file = (path: string, text: string): AptSourceFile => ({ path, bytes: Buffer.from(text) });
const NOWHERE: MirrorSearch = { id: 'debian', environment: {}, imageSources: [], hostSources: [], known: {} };

const LIST = file(
  '/etc/apt/sources.list',
  `# deb http://commented.example/debian trixie main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://a.example/debian/ trixie main contrib # x
deb http://a.example/debian trixie-updates main
deb-src http://src.example/debian trixie main
deb http://s.example/debian-security trixie-security main
deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example trixie main
deb https://docker.example/linux/debian trixie stable
deb cdrom:[x]/ trixie main
broken line
`,
);
const SOURCES = file(
  '/etc/apt/sources.list.d/debian.sources',
  `Types: deb deb-src
URIs: https://b.example/debian https://c.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main
Enabled: no
`,
);

test('one-line and deb822 sources', () => {
  assert.deepEqual(parseAptSources([LIST])[0], {
    uri: 'http://a.example/debian/',
    suite: 'trixie',
    components: ['main', 'contrib'],
    signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
  });
  assert.deepEqual(
    parseAptSources([SOURCES]).map((source) => `${source.uri} ${source.suite}`),
    [
      'https://b.example/debian bookworm',
      'https://b.example/debian bookworm-updates',
      'https://c.example/debian bookworm',
      'https://c.example/debian bookworm-updates',
    ],
  );
});

test('the order: option, fleet, environment, image, host, list', async () => {
  const known = { debian: { main: ['http://k.example/debian'], security: ['http://ks.example/debian-security'] } };
  const all: MirrorSearch = {
    id: 'debian',
    option: 'http://o.example/debian/',
    fleet: { main: ['http://f1.example/debian', 'http://f2.example/debian'], security: [], origin: 'the fleet file' },
    environment: { HERAKLIT_MIRROR_DEBIAN: 'http://e.example/debian, file:///srv/debian' },
    imageSources: [SOURCES],
    hostSources: [LIST],
    known,
  };
  const { option: _option, ...fleet } = all;
  const { fleet: _fleet, ...noOption } = fleet;
  const steps: [MirrorSearch, string[], string[]][] = [
    [all, ['http://o.example/debian'], ['http://o.example/debian-security']],
    [
      fleet,
      ['http://f1.example/debian', 'http://f2.example/debian'],
      ['http://f1.example/debian-security', 'http://f2.example/debian-security'],
    ],
    // Only the security mirrors are the fleet's.
    [
      { ...noOption, fleet: { main: [], security: ['http://fs.example/sec/'], origin: 'the fleet file' } },
      ['http://e.example/debian', 'file:///srv/debian'],
      ['http://fs.example/sec'],
    ],
    [
      noOption,
      ['http://e.example/debian', 'file:///srv/debian'],
      ['http://e.example/debian-security', 'file:///srv/debian-security'],
    ],
    [
      { ...noOption, environment: {} },
      // The host's own come after the image's, for when those cannot be reached from here.
      ['https://b.example/debian', 'https://c.example/debian', 'http://a.example/debian'],
      ['https://b.example/debian-security', 'https://c.example/debian-security', 'http://s.example/debian-security'],
    ],
    [
      { ...noOption, environment: {}, imageSources: [] },
      ['http://a.example/debian'],
      ['http://s.example/debian-security'],
    ],
    [{ ...NOWHERE, known }, ['http://k.example/debian'], ['http://ks.example/debian-security']],
  ];
  for (const [search, main, security] of steps) {
    const found = await discoverMirrors(search);
    assert.deepEqual([found.main, found.security], [main, security], found.origin);
  }
});

test('an image names public http mirrors of the distribution, and nothing else', async () => {
  const hostile = [
    'deb file:///etc trixie main',
    'deb cdrom:[Debian]/ trixie main',
    'deb copy:/srv trixie main',
    'deb mirror+file:/etc/apt/mirrors trixie main',
    'deb ftp://ftp.example/debian trixie main',
    'deb ssh://host/debian trixie main',
    'deb http://user:secret@mirror.example/debian trixie main',
    'deb http://169.254.169.254/latest/meta-data trixie main',
    'deb http://localhost:8080/debian trixie main',
    'deb http://2130706433/debian trixie main',
    'deb http://[::1]/debian trixie main',
    'deb http://10.0.0.1/debian trixie main',
    'deb [signed-by=/tmp/evil.gpg] http://signed.example/debian trixie main',
    'deb http://suite.example/debian evil main',
    'deb http://component.example/debian trixie evil',
  ];
  for (const line of hostile) {
    const sources = [file('etc/apt/sources.list', `${line}\n`)];
    await assert.rejects(discoverMirrors({ ...NOWHERE, imageSources: sources }), { code: 'FEED_NO_MIRROR' }, line);
  }
  const many = Array.from({ length: 1000 }, (_, at) => `deb [trusted=yes] http://m${at}.example/debian trixie main\n`);
  const found = await discoverMirrors({ ...NOWHERE, imageSources: [file('etc/apt/sources.list', many.join(''))] });
  assert.deepEqual([found.main.length, found.security.length], [4, 4]);
});

test('a folder named by an image is not one of ours', async () => {
  const sources = [file('sources.list', 'deb file:///srv/debian trixie main\n')];
  await assert.rejects(discoverMirrors({ ...NOWHERE, imageSources: sources }), (error) =>
    isHeraklitError(error, 'FEED_NO_MIRROR'),
  );
  assert.deepEqual((await discoverMirrors({ ...NOWHERE, hostSources: sources })).main, ['file:///srv/debian']);
});

test('security given apart, and mirrors whose path is not /debian', async () => {
  const named = await discoverMirrors({
    ...NOWHERE,
    fleet: { main: ['https://m.example/x'], security: ['https://s.example/y/'], origin: 'the fleet file' },
  });
  assert.deepEqual([named.main, named.security], [['https://m.example/x'], ['https://s.example/y']]);
  const beside = await discoverMirrors({ ...NOWHERE, option: 'https://m.example' });
  assert.deepEqual(beside.security, ['https://m.example/debian-security']);
});

test('no mirror, or none that is one, says how to name one', async () => {
  await assert.rejects(
    discoverMirrors(NOWHERE),
    (error) => isHeraklitError(error, 'FEED_NO_MIRROR') && /HERAKLIT_MIRROR_DEBIAN/.test(error.hint ?? ''),
  );
  for (const option of ['ftp://x.example/debian', 'x.example', '']) {
    await assert.rejects(discoverMirrors({ ...NOWHERE, option }), (e) => isHeraklitError(e, 'FEED_MIRROR_INVALID'));
  }
});

test('the list that ships names no host of this machine, and each of its mirrors is a mirror', async () => {
  const known = JSON.parse(await readFile(new URL('../../data/mirrors.json', import.meta.url), 'utf8'));
  const shipped = await discoverMirrors({ ...NOWHERE, known });
  const hosts = parseAptSources(await readAptSources()).flatMap(({ uri }) =>
    URL.canParse(uri) ? [new URL(uri).host] : [],
  );
  for (const url of [...shipped.main, ...shipped.security]) assert.ok(!hosts.includes(new URL(url).host), url);
  assert.ok(shipped.main.length >= 2);
});
