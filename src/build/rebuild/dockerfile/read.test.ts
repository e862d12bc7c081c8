import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isHeraklitError } from '../../../base/index.ts';
import { expand } from './expand.ts';
import { withImages } from './pin.ts';
import { type ReadOptions, readDockerfile } from './read.ts';

const OPTIONS: ReadOptions = { buildArgs: {}, platform: 'linux/arm/v7', buildPlatform: 'linux/amd64' };
const read = (text: string, buildArgs: Record<string, string> = {}) => readDockerfile(text, { ...OPTIONS, buildArgs });
const names = (text: string, buildArgs: Record<string, string> = {}) =>
  read(text, buildArgs).uses.map(({ name, platform, line }) => [
    line,
    name,
    ...(platform === undefined ? [] : [platform]),
  ]);

test('images of all stages: arguments, platforms, --from of COPY and RUN; not stages, numbers or scratch', () => {
  const text = [
    'ARG VERSION=13',
    'ARG BASE=registry.example.com/debian:${VERSION}',
    'FROM --platform=$BUILDPLATFORM $BASE AS build',
    'ARG VERSION',
    'COPY --from=tools.example.com/x/y:1 /a /b',
    'RUN --mount=type=cache,target=/c --mount=type=bind,from=other.example.com/z:2,target=/z true',
    'FROM build AS again',
    'FROM scratch',
    'COPY --from=build /b /',
    'COPY --from=0 /b /',
    `FROM registry.example.com/run@sha256:${'a'.repeat(64)}`,
  ].join('\n');
  assert.deepEqual(names(text), [
    [3, 'registry.example.com/debian:13', 'linux/amd64'],
    [5, 'tools.example.com/x/y:1'],
    [6, 'other.example.com/z:2'],
    [11, `registry.example.com/run@sha256:${'a'.repeat(64)}`],
  ]);
  assert.deepEqual(names(text, { VERSION: '14' })[0]?.[1], 'registry.example.com/debian:14');
  assert.deepEqual(read(text).stages, ['build', 'again', '2', '3']);
});

test('names are replaced where they stand, lines keep their numbers, another frontend is not fetched', () => {
  const text =
    '# syntax=docker/dockerfile:1\nFROM  a.example.com/x \\\n  AS one\nCOPY --from=b.example.com/y --chown=1 /a /b\n';
  const pinned = withImages(read(text), ({ name }) => `P(${name})`);
  assert.equal(pinned, '#\nFROM  P(a.example.com/x) \\\n  AS one\nCOPY --from=P(b.example.com/y) --chown=1 /a /b\n');
});

test('URLs of ADD are known; git repositories are refused', () => {
  const text = 'FROM scratch\nARG V=2\nADD --checksum=sha256:00 https://x.example.com/a-$V.tar.gz b.txt /x/\n';
  assert.deepEqual(read(text).urls, ['https://x.example.com/a-2.tar.gz']);
  for (const source of ['https://x.example.com/a.git#main', 'git@x.example.com:a/b.git']) {
    assert.throws(() => read(`FROM scratch\nADD ${source} /x`), refused);
  }
});

const refused = (error: unknown): boolean => isHeraklitError(error, 'REBUILD_DOCKERFILE_INVALID');

test('what cannot be pinned or read is refused', () => {
  for (const text of [
    '',
    'RUN x',
    'FROM $NONE',
    'FROM',
    'a\0b',
    'FROM scratch\nCOPY --from=$X /a /b',
    'x'.repeat(2 ** 21),
  ]) {
    assert.throws(() => read(text), refused, text.slice(0, 40));
  }
});

test('variables as builders replace them', () => {
  const values = new Map([
    ['A', 'a'],
    ['E', ''],
  ]);
  const cases: Readonly<Record<string, string>> = {
    'x$A-${A}': 'xa-a',
    '${B:-b}${E:-e}${E-e}': 'be',
    '${A:+yes}${E:+no}${B+no}': 'yes',
    '${B:-${A:-z}}': 'a',
    '\\$A $B$': '$A $',
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(expand(text, values), expected, text);
  assert.throws(() => expand('${B:?missing}', values), refused);
  assert.throws(() => expand('${A:-x', values), refused);
});

test('any text is read or refused, and pinning with the same names changes nothing', () => {
  const line = fc
    .tuple(
      fc.constantFrom('FROM', 'RUN', 'COPY', 'ENV', 'ARG', 'ADD', '#', 'ONBUILD'),
      fc.oneof(
        fc.string(),
        fc.constantFrom('--from=a b c', 'x AS y', 'A=b', '--platform=$X y', '<<EOF', '$A', '--mount=from=q true'),
      ),
    )
    .map((parts) => parts.join(' '));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      try {
        const dockerfile = read(text);
        assert.equal(
          withImages({ ...dockerfile, syntax: undefined }, ({ start, end }) => text.slice(start, end)),
          text,
        );
      } catch (error) {
        assert.ok(isHeraklitError(error), String(error));
      }
    }),
  );
});
