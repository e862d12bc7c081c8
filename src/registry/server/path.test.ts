import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../base/index.ts';
import { digestOf, isRepositoryName } from '../../oci/index.ts';
import { parsePath } from './path.ts';
import { parseChunkRange, parseRange } from './range.ts';

test('repository names may be made of the words that endpoints are made of', () => {
  const digest = digestOf('x');
  assert.deepEqual(parsePath('/v2/blobs/manifests/tags/manifests/list'), {
    kind: 'manifest',
    repository: 'blobs/manifests/tags',
    reference: 'list',
  });
  assert.deepEqual(parsePath(`/v2/a/blobs/uploads/manifests/${digest}`), {
    kind: 'manifest',
    repository: 'a/blobs/uploads',
    reference: digest,
  });
  assert.deepEqual(parsePath(`/v2/a/blobs/${encodeURIComponent(digest)}`), { kind: 'blob', repository: 'a', digest });
  assert.deepEqual(parsePath('/v2/a/b/blobs/uploads/'), { kind: 'uploads', repository: 'a/b' });
  assert.deepEqual(parsePath('/v2/a/b/blobs/uploads/id'), { kind: 'upload', repository: 'a/b', id: 'id' });
});

test('any path parses to something with a good name, or is a coded error', () => {
  const word = fc.constantFrom(
    'a',
    'blobs',
    'uploads',
    'manifests',
    'tags',
    'list',
    '..',
    '.',
    '',
    '%2e',
    '%00',
    'A',
    '%',
    digestOf('x'),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(word).map((words) => words.join('/')),
        fc.string(),
      ),
      (text) => {
        try {
          const path = parsePath(`/v2/${text}`);
          if ('repository' in path) assert.ok(isRepositoryName(path.repository));
        } catch (error) {
          assert.ok(isHeraklitError(error), String(error));
        }
      },
    ),
  );
});

test('a range always lies inside the blob', () => {
  const number = fc.oneof(fc.constant(''), fc.nat(300).map(String), fc.constant('99999999999999999999'));
  fc.assert(
    fc.property(number, number, fc.nat(200), (start, end, size) => {
      const range = parseRange(`bytes=${start}-${end}`, size);
      if (typeof range === 'string') return;
      assert.ok(range.start >= 0 && range.start <= range.end && range.end < size);
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => typeof (parseChunkRange(text) ?? parseRange(text, 9)) !== 'number'));
  assert.deepEqual(parseChunkRange('0-9'), { start: 0, end: 9 });
  assert.deepEqual(parseChunkRange('bytes 5-9/*'), { start: 5, end: 9 });
});
