import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../base/index.ts';
import { chainIds } from './chain-id.ts';
import { digestOf } from './digest.ts';
import { parseImageConfig } from './image-config.ts';
import { parseIndex, parseManifest } from './manifest.ts';
import { MediaType } from './media-types.ts';
import { hostPlatform, parsePlatform, selectPlatform } from './platform.ts';
import { serialize } from './serialize.ts';
import { MAX_MANIFEST_BYTES } from './shape.ts';

const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const descriptor = { mediaType: MediaType.layerZstd, digest: digestOf('a'), size: 1 };
const manifest = {
  schemaVersion: 2,
  mediaType: MediaType.manifest,
  config: { mediaType: MediaType.config, digest: digestOf('c'), size: 2 },
  layers: [descriptor],
};
const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf('a')] } };
const code = (expected: string) => (error: unknown) => isHeraklitError(error, expected);

test('a manifest keeps members we do not know', () => {
  const read = parseManifest(bytes({ ...manifest, 'x-new': { a: 1 }, layers: [{ ...descriptor, data: 'YQ==' }] }));
  assert.deepEqual(read, { ...manifest, 'x-new': { a: 1 }, layers: [{ ...descriptor, data: 'YQ==' }] });
});

test('null lists and members, as Go writes them, are empty or absent', () => {
  assert.deepEqual(parseManifest(bytes({ ...manifest, layers: null, annotations: null })).layers, []);
  const read = parseImageConfig(
    bytes({ ...config, config: { Entrypoint: null, Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: null } }),
  );
  assert.deepEqual(read.config, { Cmd: ['sh'] });
  assert.deepEqual(read.rootfs.diff_ids, []);
});

const brokenManifests: Readonly<Record<string, unknown>> = {
  'not an object': [],
  'no config': { ...manifest, config: undefined },
  'schema 1': { schemaVersion: 1, fsLayers: [] },
  'both manifest and index': { ...manifest, manifests: [] },
  'media type of an index': { ...manifest, mediaType: MediaType.index },
  'bad digest': { ...manifest, layers: [{ ...descriptor, digest: 'sha256:ABC' }] },
  'digest with a path': { ...manifest, layers: [{ ...descriptor, digest: `sha256:../../${'a'.repeat(58)}` }] },
  'negative size': { ...manifest, layers: [{ ...descriptor, size: -1 }] },
  'unsafe size': { ...manifest, layers: [{ ...descriptor, size: 2 ** 60 }] },
  'fractional size': { ...manifest, layers: [{ ...descriptor, size: 1.5 }] },
  'annotation that is no text': { ...manifest, annotations: { a: 1 } },
  'too many layers': { ...manifest, layers: Array.from({ length: 1001 }, () => descriptor) },
};

for (const [name, value] of Object.entries(brokenManifests)) {
  test(`a manifest is refused: ${name}`, () => {
    assert.throws(() => parseManifest(bytes(value)), code('OCI_MANIFEST_INVALID'));
  });
}

test('size, depth and encoding are limited before parsing', () => {
  assert.throws(() => parseManifest(Buffer.alloc(MAX_MANIFEST_BYTES + 1)), code('OCI_MANIFEST_TOO_LARGE'));
  assert.throws(() => parseManifest(Buffer.from('['.repeat(1_000_000))), code('OCI_MANIFEST_INVALID'));
  assert.throws(() => parseManifest(Buffer.from([0x22, 0xff, 0x22])), code('OCI_MANIFEST_INVALID'));
});

test('arbitrary JSON never crashes a parser', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(parseManifest, parseIndex, parseImageConfig), (text, parse) => {
      try {
        parse(Buffer.from(text));
      } catch (error) {
        assert.ok(isHeraklitError(error), String(error));
      }
    }),
  );
});

test('one member of a good document replaced by anything never crashes a parser', () => {
  const index = { schemaVersion: 2, manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'arm' } }] };
  const cases = [
    { parse: parseManifest, good: manifest },
    { parse: parseIndex, good: index },
    { parse: parseImageConfig, good: { ...config, config: { Env: ['A=b'] }, history: [{ created_by: 'x' }] } },
  ] as const;
  fc.assert(
    fc.property(fc.constantFrom(...cases), fc.nat(6), fc.jsonValue(), ({ parse, good }, at, value) => {
      const keys = Object.keys(good);
      try {
        parse(bytes({ ...good, [keys[at % keys.length] as string]: value }));
      } catch (error) {
        assert.ok(isHeraklitError(error), String(error));
      }
    }),
  );
});

test('serialize gives the same bytes whatever the order of members', () => {
  assert.equal(serialize({ b: [{ d: 1, c: undefined, a: 2 }], a: 'x' }).toString(), '{"a":"x","b":[{"a":2,"d":1}]}');
});

test('chain ids follow the specification', () => {
  const [a, b] = [digestOf('1'), digestOf('2')];
  assert.deepEqual(chainIds([a, b]), [a, digestOf(`${a} ${b}`)]);
});

test('a platform is chosen from an index, or the error lists what there is', () => {
  const image = (platform: object | undefined, name: string) => ({
    mediaType: MediaType.manifest,
    digest: digestOf(name),
    size: 1,
    ...(platform === undefined ? {} : { platform }),
  });
  const index = parseIndex(
    bytes({
      schemaVersion: 2,
      manifests: [
        image({ os: 'linux', architecture: 'arm', variant: 'v5' }, 'v5'),
        image({ os: 'linux', architecture: 'arm', variant: 'v6' }, 'v6'),
        image({ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'arm64'),
        image({ os: 'linux', architecture: 'amd64' }, 'amd64'),
        image({ os: 'unknown', architecture: 'unknown' }, 'attestation'),
      ],
    }),
  );
  const pick = (text: string): string => selectPlatform(index, parsePlatform(text)).digest;
  assert.equal(pick('linux/amd64'), digestOf('amd64'));
  assert.equal(pick('linux/arm64'), digestOf('arm64'));
  assert.equal(pick('linux/arm/v7'), digestOf('v6'));
  assert.equal(pick('linux/arm/v5'), digestOf('v5'));
  assert.throws(() => pick('linux/s390x'), code('OCI_PLATFORM_MISSING'));
  assert.throws(() => parsePlatform('linux'), code('OCI_PLATFORM_INVALID'));
  const single = parseIndex(bytes({ schemaVersion: 2, manifests: [image(undefined, 'only')] }));
  assert.equal(selectPlatform(single, hostPlatform()).digest, digestOf('only'));
  assert.deepEqual(hostPlatform('x64'), { os: 'linux', architecture: 'amd64' });
});
