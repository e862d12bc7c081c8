import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { createZstdCompress } from 'node:zlib';
import fc from 'fast-check';
import { isHeraklitError } from '../../src/base/index.ts';
import { digestOf, type Reference } from '../../src/oci/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { sampleImage, tarOf } from './sample-image.ts';

const image = sampleImage('hostile');
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  // Spools of compressed archives land here, where nobody else's are.
  process.env.TMPDIR = folder;
});
after(() => rm(folder, { recursive: true }));

/** Opens and reads everything: bytes as promised, or a coded error. */
const readOrRefuse = async (reference: Reference): Promise<void> => {
  try {
    const opened = await openImage(reference);
    try {
      for (const { digest } of [opened.manifest.config, ...opened.manifest.layers]) {
        assert.equal(digestOf(await buffer(await opened.blobs.open(digest))), digest);
      }
    } finally {
      await opened.close();
    }
  } catch (error) {
    assert.ok(isHeraklitError(error), String((error as Error).stack));
  }
};

for (const kind of ['oci-archive', 'docker-archive'] as const) {
  test(`${kind}: an archive damaged anywhere gives right bytes or a coded error`, async () => {
    const file = join(folder, `${kind}.tar`);
    await saveImage(image, { kind, file, tag: 'v1' });
    const good = await readFile(file);
    const damaged = join(folder, `${kind}-damaged.tar`);
    // Damage where it hurts: the blocks that are headers or JSON are the first and the last ones.
    const position = fc.oneof(
      fc.nat(4_000),
      fc.nat(good.length - 1),
      fc.nat(8_000).map((back) => good.length - 1 - back),
    );
    const edit = fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 12 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.option(position), async (edits, cut) => {
        const bytes = Buffer.from(good);
        for (const [at, patch] of edits) bytes.set(patch.subarray(0, bytes.length - at), at);
        await writeFile(damaged, cut === null ? bytes : bytes.subarray(0, cut));
        await readOrRefuse({ kind, file: damaged, tag: 'v1' });
      }),
      { numRuns: 150 },
    );
  });
}

test('names in manifest.json stay inside the archive', async () => {
  const file = join(folder, 'names.tar');
  for (const name of ['/etc/passwd', '../../etc/passwd', '', '.', 'manifest.json']) {
    const list = JSON.stringify([{ Config: name, RepoTags: null, Layers: [name] }]);
    await writeFile(file, tarOf({ 'manifest.json': list }));
    await assert.rejects(openImage({ kind: 'docker-archive', file, tag: undefined }), (error) =>
      isHeraklitError(error),
    );
  }
});

test('a compressed archive that is a bomb is refused and leaves nothing', async () => {
  const file = join(folder, 'bomb.tar.zst');
  const zeros = Readable.from(
    (function* () {
      yield tarOf({ 'oci-layout': '{}' }).subarray(0, 1024);
      for (let index = 0; index < 200; index += 1) yield Buffer.alloc(1024 * 1024);
    })(),
  );
  await writeFile(file, zeros.pipe(createZstdCompress()));
  await assert.rejects(openImage({ kind: 'oci-archive', file, tag: undefined }), { code: 'ARCHIVE_LIMIT' });
  const left = (await readdir(folder)).filter((name) => name.startsWith('heraklit-archive-'));
  assert.deepEqual(left, []);
});
