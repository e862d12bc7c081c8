import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packagesIn, readFiles } from '../testing/read-files.ts';

const LIB = 'usr/lib/python3/dist-packages';
const METADATA = `Metadata-Version: 2.1
Name: Zope.Interface
Version: 6.1.post1
Summary: x
Classifier: Version: 9
Description-Content-Type: text/markdown

Name: not-this
Version: 9.9
`;

test('metadata of installed packages, where installers put it', async () => {
  const found = ['pypi Zope.Interface 6.1.post1'];
  assert.deepEqual(await packagesIn(`${LIB}/zope.interface-6.1.dist-info/METADATA`, METADATA), found);
  assert.deepEqual(await packagesIn(`${LIB}/zope.interface.egg-info/PKG-INFO`, METADATA), found);
  assert.deepEqual(await packagesIn(`${LIB}/zope.interface-6.1.egg-info`, METADATA.replaceAll('\n', '\r\n')), found);
  assert.deepEqual(await packagesIn('x/zope-6.1-py3.12.egg/EGG-INFO/PKG-INFO', METADATA), found);
  assert.deepEqual(await packagesIn('src/zope-6.1/PKG-INFO', METADATA), []);
  assert.deepEqual(await packagesIn('a/METADATA', METADATA), []);
  assert.deepEqual(await packagesIn(`${LIB}/a.dist-info/METADATA`, 'Name: a\nSummary: x\n\nVersion: 1\n'), []);
  const [finding] = await readFiles({ [`${LIB}/a.dist-info/METADATA`]: Buffer.from([0xff, 0xfe, 0x00]) });
  assert.deepEqual(finding?.problems, ['has neither Name nor Version']);
});

test('wheels and eggs by their names, and what pip carries', async () => {
  const wheel = (name: string) => packagesIn(`usr/share/python-wheels/${name}`, 'PK');
  assert.deepEqual(await wheel('charset_normalizer-3.4.0-py3-none-any.whl'), ['pypi charset-normalizer 3.4.0']);
  assert.deepEqual(await wheel('a-1!2.0+local_1-1build-cp312-cp312-manylinux_2_17_x86_64.whl'), [
    'pypi a 1!2.0+local-1',
  ]);
  assert.deepEqual(await wheel('a.whl'), []);
  assert.deepEqual(await wheel('six-1.16.0-py3.12.egg'), ['pypi six 1.16.0']);
  assert.deepEqual(
    await packagesIn(
      `${LIB}/pip/_vendor/vendor.txt`,
      'CacheControl==0.14.1  # Make sure to update\n    # note\nrich==13.9.4\n    pygments==2.18.0\nsetuptools>=1\n',
    ),
    ['pypi CacheControl 0.14.1', 'pypi rich 13.9.4', 'pypi pygments 2.18.0'],
  );
});

test('lock files and requirements declare', async () => {
  assert.deepEqual(
    await packagesIn(
      'app/requirements.txt',
      [
        'requests[socks]==2.31.0 ; python_version < "4" \\',
        '    --hash=sha256:0123',
        'flask>=2',
        'a===1.0.dev1 # x',
        'wild==1.*',
        '-r other.txt',
        'x @ https://example.org/x.whl',
      ].join('\r\n'),
    ),
    ['pypi requests 2.31.0 declared', 'pypi a 1.0.dev1 declared'],
  );
  const poetry = `[[package]]
name = "requests"
version = "2.31.0"
[[package]]
name = "pytest"
version = "8.0.0"
groups = ["dev"]
[[package]]
name = "old"
version = "1"
category = "dev"
[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
`;
  for (const name of ['poetry.lock', 'uv.lock', 'pdm.lock']) {
    assert.deepEqual(await packagesIn(name, poetry), [
      'pypi requests 2.31.0 declared',
      'pypi pytest 8.0.0 declared dev',
      'pypi old 1 declared dev',
    ]);
  }
  const pipfile = {
    _meta: {},
    default: { requests: { version: '==2.31.0' }, git: { ref: 'x' } },
    develop: { a: { version: '==1' } },
  };
  assert.deepEqual(await packagesIn('Pipfile.lock', JSON.stringify(pipfile)), [
    'pypi requests 2.31.0 declared',
    'pypi a 1 declared dev',
  ]);
  assert.deepEqual((await readFiles({ 'poetry.lock': '[[package' }))[0]?.problems, ['is no TOML']);
});

test('conda', async () => {
  const meta = JSON.stringify({ name: 'openssl', version: '3.2.1', build: 'hd590300_0', files: [] });
  assert.deepEqual(await packagesIn('opt/conda/conda-meta/openssl-3.2.1-hd590300_0.json', meta), [
    'conda openssl 3.2.1',
  ]);
  assert.deepEqual(await packagesIn('opt/conda/conda-meta.d/openssl.json', meta), []);
});
