import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { titleOf } from './content.ts';
import { parseFileArgument, typeOfFile } from './file-argument.ts';
import { parseAnnotations } from './manifest.ts';
import { titleParts } from './title.ts';

test('a file says its media type after the last colon, and only there', () => {
  assert.deepEqual(parseFileArgument('a/b.json:application/json'), { path: 'a/b.json', mediaType: 'application/json' });
  assert.deepEqual(parseFileArgument('odd:name.json'), { path: 'odd:name.json', mediaType: undefined });
  assert.deepEqual(parseFileArgument('a:b/c.txt'), { path: 'a', mediaType: 'b/c.txt' });
  assert.throws(
    () => parseFileArgument(''),
    (error) => isHeraklitError(error, 'ARTIFACT_FILE_INVALID'),
  );
});

test('a file without a media type gets the one of its longest known ending', () => {
  const types = ['web.cdx.json', 'rules.yaml', 'a.JSON', 'x.tar.gz', 'noending'].map((path) =>
    typeOfFile({ path, mediaType: undefined }),
  );
  assert.deepEqual(types, [
    'application/vnd.cyclonedx+json',
    'application/yaml',
    'application/json',
    'application/gzip',
    'application/octet-stream',
  ]);
});

test('titles stay below the folder they were named from', () => {
  assert.equal(titleOf('./a/b.txt'), 'a/b.txt');
  assert.equal(titleOf('/etc/hosts'), 'hosts');
  assert.equal(titleOf('../other/x'), 'x');
  assert.equal(titleOf('folder/'), 'folder');
});

test('whatever title an artifact gives, it is refused or leads below the folder', () => {
  const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', 'b c', '\\', '\u0000'), fc.string({ maxLength: 12 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const title = parts.join('/');
      let accepted: readonly string[];
      try {
        accepted = titleParts(title);
      } catch (error) {
        return isHeraklitError(error, 'ARTIFACT_TITLE_INVALID');
      }
      return resolve(join('/root-folder', ...accepted)).startsWith('/root-folder/');
    }),
  );
  for (const title of ['../x', '/etc/passwd', 'a/../../x', 'a//b', '.', '', 'a\\b', 'a\u0000', 'x'.repeat(256)]) {
    assert.throws(
      () => titleParts(title),
      (error) => isHeraklitError(error, 'ARTIFACT_TITLE_INVALID'),
      title,
    );
  }
});

test('annotations are KEY=VALUE, each once; values may hold anything', () => {
  assert.deepEqual(parseAnnotations(['a=b=c', 'd=']), { a: 'b=c', d: '' });
  for (const texts of [['novalue'], ['=x'], ['a=1', 'a=2']]) {
    assert.throws(
      () => parseAnnotations(texts),
      (error) => isHeraklitError(error, 'ARTIFACT_ANNOTATION_INVALID'),
    );
  }
});
