import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { READERS } from './readers.ts';
import type { ContentReader, ReadResult } from './types.ts';

/** A path that the reader takes; most go by the folder too. */
const PATHS = [
  'app/vendor/composer/installed.json',
  'opt/conda/conda-meta/a-1-0.json',
  'perl/.meta/A-1/install.json',
  'app/a.deps.json',
  'lib/a-1/ebin/a.app',
  'gems/specifications/a-1.gemspec',
  'lib/a-1.dist-info/METADATA',
  'lib/a.egg-info/PKG-INFO',
  'lib/pip/_vendor/vendor.txt',
  'lib/a-1-py3-none-any.whl',
  'lib/a-1.jar',
  'lib/a.war',
  'etc/ld.so.conf',
  'etc/passwd',
  'root/.netrc',
];

const WORDS = [
  '{"packages":{"node_modules/',
  '"dependencies":{"a":{"version":"1","dependencies":',
  '"__proto__":{"version":"1"},"constructor":[]',
  'Name: a\nVersion: 1\n',
  '[[package]]\nname = "a"\nversion = "1"\n',
  'GEM\n  specs:\n    a (1)\n',
  '{application,a,[{vsn,"1"}]}.',
  '=head2 x C<Module> L<A::B|A::B>\nC<VERSION: 1>\n',
  '"a@npm:^1":\n  version: 1\n  resolution: "a@npm:1"\n',
  '"a": {:hex, :a, "1", ',
  'packages:\n  /a@1:\n    dev: true\n&x *x <<: *x',
  '\u0000\ufffe\u202e',
  '{'.repeat(300),
  '['.repeat(300),
  '\r\n',
];

const file = (path: string, size: number) => ({ path, name: path.slice(path.lastIndexOf('/') + 1), size, mode: 0o644 });

function pathsOf(reader: ContentReader): readonly string[] {
  const named = (reader.files.names ?? []).map((name) => `app/${name}`);
  return [...PATHS, ...named].filter((path) => {
    const { name } = file(path, 1);
    const extension = name.slice(name.lastIndexOf('.'));
    const chosen = reader.files.names?.includes(name) || reader.files.extensions?.includes(extension);
    return chosen === true && reader.wants(file(path, 64), Buffer.alloc(0)) !== 'no';
  });
}

async function read(reader: ContentReader, path: string, bytes: Buffer): Promise<ReadResult> {
  const stream = reader.open?.(file(path, bytes.length));
  stream?.write(bytes);
  return stream?.end() ?? (await reader.read?.(file(path, bytes.length), bytes)) ?? {};
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 500 }).map((text) => Buffer.from(text)),
  fc.json({ maxDepth: 5 }).map((text) => Buffer.from(text)),
  fc
    .array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 10 })), { maxLength: 30 })
    .map((words) => Buffer.from(words.join(''))),
);

for (const reader of READERS.filter((one) => one.files.magic === undefined)) {
  test(`${reader.id}: any bytes give sound packages or one short message`, async () => {
    const paths = pathsOf(reader);
    assert.ok(paths.length > 0, 'no path of this test chooses it');
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), content, async (path, bytes) => {
        let result: ReadResult;
        try {
          result = await read(reader, path, bytes);
        } catch (error) {
          assert.ok(error instanceof Error && error.message.length < 200);
          return;
        }
        assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
        for (const item of result.packages ?? []) {
          assert.match(item.name, /^[^\p{Cc}]{1,512}$/u);
          assert.match(item.version, /^[^\p{Cc}]{1,512}$/u);
        }
      }),
      { numRuns: 150 },
    );
  });
}

test('readers have distinct ids', () => {
  assert.equal(new Set(READERS.map((reader) => reader.id)).size, READERS.length);
});
