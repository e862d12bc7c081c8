import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestHex, digestOf } from '../oci/index.ts';
import { appendToFile } from './append-file.ts';
import { hashHandle } from './hash-file.ts';
import { createFileHash } from './threaded-hash.ts';

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

test('the hash is the same, inline or by the thread, in one go or over several openings of the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hash-'));
  try {
    await Promise.all(
      [100, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 30_000_000].map(async (size) => {
        const bytes = randomBytes(size);
        const path = join(folder, String(size));
        const hash = createFileHash('sha256');
        for (const [from, to] of [
          [0, Math.floor(size / 3)],
          [Math.floor(size / 3), size],
        ] as const) {
          const handle = await open(path, from === 0 ? 'wx+' : 'r+');
          assert.equal(await appendToFile(handle, pieces(bytes.subarray(from, to)), { position: from, hash }), to);
          assert.equal(await hashHandle(handle, 'sha256'), digestHex(digestOf(bytes.subarray(0, to))));
          await handle.close();
        }
        assert.equal(await hash.digest(), digestHex(digestOf(bytes)));
        hash.drop();
        assert.equal(size > 9_000_000 ? await hash.digest() : undefined, undefined, 'forgotten');
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file that the thread cannot read has no hash, and nothing hangs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hash-'));
  try {
    const handle = await open(join(folder, 'write-only'), 'wx');
    const hash = createFileHash('sha256');
    await appendToFile(handle, pieces(Buffer.alloc(9_000_000)), { position: 0, hash });
    assert.equal(await hash.digest(), undefined);
    await handle.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
