import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PacmanRelations, parseDependency } from './dependencies.ts';
import { firstOf, readDescription } from './description.ts';
import { archEcosystem } from './ecosystem.ts';

const PATH = 'var/lib/pacman/local/bash-5.2.037-1/desc';
const DESCRIPTION = `%NAME%
bash

%VERSION%
5.2.037-1

%BASE%
bash-src

%DESC%
The GNU Bourne Again shell

%ARCH%
x86_64

%PACKAGER%
Somebody <somebody@example.org>

%SIZE%
9419300

%DEPENDS%
readline>=7.0
glibc
libreadline.so=8-64

%OPTDEPENDS%
bash-completion: for tab completion

%PROVIDES%
sh

`;

test('an installed package', () => {
  const { kind, packages, problems } = archEcosystem.readDatabase(new Map([[PATH, Buffer.from(DESCRIPTION)]]));
  assert.equal(kind, 'pacman-local');
  assert.deepEqual(problems, []);
  const [bash] = packages;
  assert.equal(bash?.installedSize, 9199);
  assert.deepEqual(bash?.source, { name: 'bash-src', version: '5.2.037-1' });
  assert.deepEqual(bash?.relations.depends, [
    [{ name: 'readline', operator: '>=', version: '7.0' }],
    [{ name: 'glibc' }],
    [{ name: 'libreadline.so', operator: '=', version: '8-64' }],
  ]);
  assert.deepEqual(bash?.relations.suggests, [[{ name: 'bash-completion' }]]);
  assert.deepEqual(bash?.relations.provides, [{ name: 'sh' }]);
});

test('words of a dependency', () => {
  assert.deepEqual(parseDependency('a<2: why'), { name: 'a', operator: '<<', version: '2' });
  assert.deepEqual(parseDependency('a>1:2.0-1'), { name: 'a', operator: '>>', version: '1:2.0-1' });
  assert.deepEqual(parseDependency('perl-a=1 '), { name: 'perl-a', operator: '=', version: '1' });
  assert.equal(parseDependency(''), undefined);
  assert.deepEqual(new PacmanRelations(new Map()).conflicts, []);
});

test('text under no field counts for nothing, a field twice for its last', () => {
  const fields = readDescription(Buffer.from('lost\n%A%\none\n\nlost too\n%A%\ntwo\nthree'));
  assert.deepEqual(fields.get('A'), ['two', 'three']);
  assert.equal(firstOf(fields, 'B'), '');
});

test('a package left there twice by a broken transaction is told', () => {
  const newer = DESCRIPTION.replace('5.2.037-1', '5.3.0-1');
  const files = new Map(
    [PATH, PATH.replace('5.2.037', '5.3.0')].map((path, at) => [path, Buffer.from(at ? newer : DESCRIPTION)]),
  );
  const { packages, problems } = archEcosystem.readDatabase(files);
  assert.deepEqual(
    packages.map(({ version }) => version),
    ['5.3.0-1'],
  );
  assert.deepEqual(
    problems.map(({ reason }) => reason),
    ['bash stands there twice'],
  );
});

test('any bytes give a package or a problem', () => {
  const text = fc.oneof(
    fc.uint8Array(),
    fc.string().map((more) => Buffer.from(DESCRIPTION + more)),
  );
  fc.assert(
    fc.property(text, fc.nat(), (bytes, cut) => {
      const { packages, problems } = archEcosystem.readDatabase(new Map([[PATH, bytes.subarray(0, cut)]]));
      return packages.length + problems.length === 1;
    }),
    { numRuns: 1000 },
  );
});
