import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from './digest.ts';
import { layerCompression, MediaType } from './media-types.ts';
import { formatReference, isRepositoryName, isTag, parseReference, type Reference } from './reference.ts';

const code = (expected: string) => (error: unknown) => isHeraklitError(error, expected);

test('digests are checked to the letter', () => {
  // FIPS 180-2, the empty message.
  const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  assert.equal(digestOf(''), empty);
  assert.equal(parseDigest(empty), empty);
  assert.equal(digestHex(parseDigest(empty)).length, 64);
  assert.equal(digestAlgorithm(parseDigest(`sha512:${'a'.repeat(128)}`)), 'sha512');
  for (const bad of [
    '',
    'sha256:',
    empty.toUpperCase(),
    `${empty}0`,
    `md5:${'a'.repeat(32)}`,
    `${empty}\n`,
    '../../etc',
  ]) {
    assert.ok(!isDigest(bad), bad);
    assert.throws(() => parseDigest(bad), code('OCI_DIGEST_INVALID'));
  }
});

const good: Readonly<Record<string, Reference>> = {
  'oci:dir': { kind: 'oci', directory: 'dir', tag: undefined },
  'oci:/a/b:v1': { kind: 'oci', directory: '/a/b', tag: 'v1' },
  'oci:C:/x/y': { kind: 'oci', directory: 'C:/x/y', tag: undefined },
  'oci-archive:x.tar:latest': { kind: 'oci-archive', file: 'x.tar', tag: 'latest' },
  'docker-archive:/x.tar': { kind: 'docker-archive', file: '/x.tar', tag: undefined },
  'dir:/rootfs:odd': { kind: 'dir', root: '/rootfs:odd' },
  'localhost/a:1': { kind: 'docker', registry: 'localhost', repository: 'a', tag: '1', digest: undefined },
  'docker://[::1]:5000/a/b__c': {
    kind: 'docker',
    registry: '[::1]:5000',
    repository: 'a/b__c',
    tag: undefined,
    digest: undefined,
  },
  [`r.example/a:t@${digestOf('')}`]: {
    kind: 'docker',
    registry: 'r.example',
    repository: 'a',
    tag: 't',
    digest: digestOf(''),
  },
};

for (const [text, reference] of Object.entries(good)) {
  test(`${text} is read`, () => {
    assert.deepEqual(parseReference(text), reference);
    assert.deepEqual(parseReference(formatReference(reference)), reference);
  });
}

test('what is no reference is refused with the forms there are', () => {
  const bad = [
    '',
    'debian',
    'library/debian:12',
    'docker:x.io/a',
    'oci:',
    'dir:',
    'r.example/A',
    'r.example/a:',
    'r.example/a//b',
  ];
  for (const text of [
    ...bad,
    'r.example/a@sha256:1',
    'r.example/../a',
    '-x.io/a',
    'oci:a:-tag',
    'r.example/a b',
    'r.example:x/a',
  ]) {
    assert.throws(() => parseReference(text), code('OCI_REFERENCE_INVALID'), text);
  }
});

test('any text is a reference that is written as it was read, or a coded error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z.:/@-]{0,30}$/)), (text) => {
      try {
        const reference = parseReference(text);
        assert.deepEqual(parseReference(formatReference(reference)), reference);
      } catch (error) {
        assert.ok(isHeraklitError(error, 'OCI_REFERENCE_INVALID'), String(error));
      }
    }),
  );
});

test('names and tags keep to the distribution specification', () => {
  assert.ok(isRepositoryName('a/b-c--d/e.f_g') && !isRepositoryName('a..b') && !isRepositoryName('a'.repeat(256)));
  assert.ok(isTag('_1.x-Y') && !isTag('.x') && !isTag('a'.repeat(129)));
});

test('layers of both families are known, artifacts are not', () => {
  assert.equal(layerCompression(MediaType.layerZstd), 'zstd');
  assert.equal(layerCompression(MediaType.dockerLayerGzip), 'gzip');
  assert.equal(layerCompression(MediaType.layer), 'none');
  assert.equal(layerCompression('application/vnd.in-toto+json'), undefined);
});
