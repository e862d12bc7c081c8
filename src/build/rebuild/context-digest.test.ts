import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { contextDigest } from './context-digest.ts';
import { parseIgnoreFile } from './ignore-file.ts';

test('patterns: the last that fits decides, folders stand for what is below them', () => {
  const ignored = parseIgnoreFile(
    [
      '# a comment',
      '*.log',
      '!keep.log',
      '**/node_modules',
      'build/',
      './docs/../tmp',
      'a?c',
      '[xy]z',
      'deep/**/secret*',
      'src/*.tmp',
    ].join('\n'),
  );
  const left: Readonly<Record<string, boolean>> = {
    ...{ 'x.log': true, 'sub/x.log': false, 'keep.log': false, 'a/b/node_modules/c': true, node_modules: true },
    ...{
      'build/out/x': true,
      building: false,
      'docs/x': false,
      'tmp/x': true,
      abc: true,
      abbc: false,
      xz: true,
      zz: false,
    },
    ...{
      'deep/secret1': true,
      'deep/a/b/secrets/x': true,
      'src/a.tmp': true,
      'src/a/b.tmp': false,
      '# a comment': false,
    },
  };
  for (const [path, expected] of Object.entries(left)) assert.equal(ignored(path), expected, path);
});

test('any ignore file is read', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (text, path) => typeof parseIgnoreFile(text)(path) === 'boolean'));
  fc.assert(
    fc.property(fc.stringMatching(/^[*?!\\[\]^a/.-]*$/), (text) => typeof parseIgnoreFile(text)('a/b') === 'boolean'),
  );
});

test('content, modes and links count; what is ignored, times and the lock do not', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'context-'));
  context.after(() => rm(folder, { recursive: true }));
  const at = (path: string): string => join(folder, path);
  await mkdir(at('logs'));
  await writeFile(at('.dockerignore'), 'logs\n!logs/kept');
  await writeFile(at('app'), 'one');
  const digest = (): Promise<string> => contextDigest(folder, ['Dockerfile.lock']);
  const seen = [await digest()];
  await writeFile(at('Dockerfile.lock'), 'x');
  await writeFile(at('logs/x'), 'x');
  assert.equal(await digest(), seen[0]);
  const changes: readonly (() => Promise<void>)[] = [
    () => writeFile(at('app'), 'two'),
    () => chmod(at('app'), 0o755),
    () => writeFile(at('logs/kept'), 'x'),
    () => symlink('/etc/shadow', at('link')),
    () => mkdir(at('folder')),
  ];
  for (const change of changes) {
    await change();
    const now = await digest();
    assert.ok(!seen.includes(now));
    seen.push(now);
  }
  await assert.rejects(contextDigest(at('none')), (error) => isHeraklitError(error, 'REBUILD_CONTEXT_INVALID'));
});
