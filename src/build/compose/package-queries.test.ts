import assert from 'node:assert/strict';
import { test } from 'node:test';
import { queriedPackages } from './package-queries.ts';

test('which packages an answer of dpkg-query says something of', () => {
  const cases: readonly (readonly [line: string, names: readonly string[] | undefined])[] = [
    ['-L base-files', []],
    ['--listfiles python3:amd64', []],
    ['-S /bin/sh', []],
    ['-f {Version} -W base-files', ['base-files']],
    ['-W -f={Version}\\n libc6:amd64 libc6-dev', ['libc6', 'libc6-dev']],
    ['-W --showformat={binary:Package} x', []],
    ['-W -f={db:Status-Status} x*', []],
    ['-W -f={Package} {Version} x', undefined],
    ['-W', undefined],
    ['-W lib*', undefined],
    ['-l', undefined],
    ['-s tar', ['tar']],
    ['--admindir /x -s tar', undefined],
    ['--admindir=/x -s tar', undefined],
    ['', undefined],
    ['-W -f=$x tar', ['tar']],
  ];
  // Fields are written without their dollar sign above.
  for (const [line, names] of cases) assert.deepEqual(queriedPackages([line.replaceAll('{', '$$' + '{')]), names, line);
  assert.deepEqual(queriedPackages([]), []);
  assert.deepEqual(queriedPackages(['-s b', '-s a', '-L c']), ['a', 'b']);
});
