import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PackageURL } from 'packageurl-js';
import type { Ecosystem, FoundPackage } from '../types.ts';
import { languagePackages, type SurvivingFinding } from './language-packages.ts';
import { languagePurl } from './purl.ts';

const at = (
  path: string,
  packages: readonly (Pick<FoundPackage, 'name' | 'version'> & Partial<FoundPackage>)[],
  more: Partial<SurvivingFinding> & { reader?: string } = {},
): SurvivingFinding => ({
  finding: {
    reader: more.reader ?? 'package.json',
    path,
    packages: packages.map((item) => ({ ecosystem: 'npm', state: 'installed', ...item })),
  },
  layer: more.layer ?? 'sha256:1',
  owner: more.owner,
});

const brief = (findings: readonly SurvivingFinding[]) =>
  languagePackages(findings).map((item) =>
    [item.name, item.version, item.state, item.dev ? 'dev' : '', item.owner ?? '', item.locations.length].join(' '),
  );

test('a package at one version stands once, with all its places; owned ones apart', () => {
  const a = { name: 'a', version: '1' };
  const found = languagePackages([
    at('y/node_modules/a/package.json', [a], { layer: 'sha256:2' }),
    at('x/node_modules/a/package.json', [a]),
    at('usr/share/nodejs/a/package.json', [a], { owner: 'node-a' }),
    at('x/node_modules/b/node_modules/a/package.json', [{ name: 'a', version: '2' }]),
  ]);
  assert.deepEqual(
    found.map(({ version, owner, locations }) => [version, owner, locations.map(({ path }) => path)]),
    [
      ['1', undefined, ['x/node_modules/a/package.json', 'y/node_modules/a/package.json']],
      ['1', 'node-a', ['usr/share/nodejs/a/package.json']],
      ['2', undefined, ['x/node_modules/b/node_modules/a/package.json']],
    ],
  );
  assert.equal(found[0]?.locations[1]?.layer, 'sha256:2');
});

test('installed beats declared; a lock file whose packages are there tells of no others, but marks them', () => {
  const lock = (path: string) =>
    at(path, [
      { name: 'a', version: '1', state: 'declared', at: 'app/node_modules/a' },
      { name: 'd', version: '1', state: 'declared', at: 'app/node_modules/d', dev: true },
      { name: 'gone', version: '1', state: 'declared', at: 'app/node_modules/gone', dev: true },
    ]);
  const installed = [
    at('app/node_modules/a/package.json', [{ name: 'a', version: '1' }]),
    at('app/node_modules/d/package.json', [{ name: 'd', version: '1' }]),
  ];
  const both = ['a 1 installed   1', 'd 1 installed dev  1'];
  assert.deepEqual(brief([lock('app/package-lock.json'), ...installed]), both);
  assert.deepEqual(brief([lock('app/node_modules/.package-lock.json'), ...installed]), both);
  assert.deepEqual(brief([lock('other/package-lock.json')]), [
    'a 1 declared   1',
    'd 1 declared dev  1',
    'gone 1 declared dev  1',
  ]);
  // Of npm packages another version may well be bundled elsewhere; of Python packages there is one.
  const elsewhere = at('other/yarn.lock', [{ name: 'a', version: '3', state: 'declared' }]);
  assert.deepEqual(brief([elsewhere, ...installed.slice(0, 1)]), ['a 1 installed   1', 'a 3 declared   1']);
  const python = { ecosystem: 'pypi', name: 'a' } as const;
  assert.deepEqual(
    brief([
      at('lib/a.dist-info/METADATA', [{ ...python, version: '1' }]),
      at('app/poetry.lock', [{ ...python, version: '2', state: 'declared' }]),
    ]),
    ['a 1 installed   1'],
  );
});

test('package URLs are canonical and read back', () => {
  const cases: readonly (readonly [Ecosystem, string, string, string])[] = [
    ['npm', '@angular/animation', '12.3.1', 'pkg:npm/%40angular/animation@12.3.1'],
    ['pypi', 'Zope.Interface', '6.1+local', 'pkg:pypi/zope-interface@6.1%2Blocal'],
    ['maven', 'org.apache.logging.log4j:log4j-core', '2.14.1', 'pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1'],
    ['golang', 'github.com/gin-gonic/gin', 'v1.9.0', 'pkg:golang/github.com/gin-gonic/gin@v1.9.0'],
    ['golang', 'stdlib', '1.21.0', 'pkg:golang/stdlib@1.21.0'],
    ['cargo', 'serde', '1.0.197', 'pkg:cargo/serde@1.0.197'],
    ['gem', 'nokogiri', '1.15.4', 'pkg:gem/nokogiri@1.15.4'],
    ['composer', 'symfony/console', 'v6.3.0', 'pkg:composer/symfony/console@v6.3.0'],
    ['nuget', 'Newtonsoft.Json', '13.0.3', 'pkg:nuget/Newtonsoft.Json@13.0.3'],
    ['cpan', 'Foo-Bar', '1.1', 'pkg:cpan/Foo-Bar@1.1'],
    ['cran', 'dplyr', '1.1.4', 'pkg:cran/dplyr@1.1.4'],
    ['hex', 'cowboy', '2.9.0', 'pkg:hex/cowboy@2.9.0'],
    ['conda', 'openssl', '3.2.1', 'pkg:conda/openssl@3.2.1'],
    ['generic', 'nginx', '1.25.3', 'pkg:generic/nginx@1.25.3'],
  ];
  for (const [ecosystem, name, version, expected] of cases) {
    const purl = languagePurl(ecosystem, name, version);
    assert.equal(purl, expected);
    assert.equal(PackageURL.fromString(purl).version, version);
  }
  for (const name of ['a b', '@', '/', 'ü?#%', ':', 'A::B']) {
    for (const [ecosystem] of cases) assert.match(languagePurl(ecosystem, name, '1 ?#'), /^pkg:[a-z]+\/[!-~]*@[!-~]+$/);
  }
});
