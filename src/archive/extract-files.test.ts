import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { extractTarBuffer } from './extract.ts';
import { extractFiles } from './extract-files.ts';
import type { ArchiveFile } from './extract-thread.ts';
import { createTarWriter } from './tar-writer.ts';

/** An archive with shared folders, of its own time, and own files. */
function archive(number: number, bytes: number): Buffer {
  const chunks: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => chunks.push(chunk));
  const common = { uid: 0, gid: 0, mtime: 1000 + number };
  for (const path of ['usr', 'usr/share', `usr/share/${number % 5}`]) {
    writer.add({ ...common, path, type: 'directory', mode: 0o755, size: 0 });
  }
  for (let file = 0; file < 20; file += 1) {
    const content = Buffer.alloc(bytes, number * 31 + file);
    const path = `usr/share/${number % 5}/${number}-${file}`;
    writer.add({ ...common, path, type: 'file', mode: 0o640, size: content.length }, content);
  }
  writer.finish();
  return Buffer.concat(chunks);
}

function tree(root: string): readonly unknown[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const stat = lstatSync(join(root, name));
      const content = stat.isFile()
        ? createHash('sha256')
            .update(readFileSync(join(root, name)))
            .digest('hex')
        : '';
      return [name, stat.mode, stat.mtimeMs, content];
    });
}

test('two threads unpack what one does, times of shared folders included; what is damaged is told', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'extract-files-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const [together, alone] = [mkdtempSync(join(folder, 'a-')), mkdtempSync(join(folder, 'b-'))];
  const files: ArchiveFile[] = [];
  for (let number = 0; number < 24; number += 1) {
    const tar = archive(number, 100_000);
    extractTarBuffer(tar, alone);
    const compression = (['none', 'gzip', 'zstd'] as const)[number % 3] as ArchiveFile['compression'];
    const bytes = compression === 'none' ? tar : compression === 'gzip' ? gzipSync(tar) : zstdCompressSync(tar);
    const path = join(folder, `${number}.tar`);
    writeFileSync(path, bytes);
    files.push({
      path,
      compression,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      uncompressed: tar.length,
    });
  }
  const good = files[0] as ArchiveFile;
  const bad = [
    { ...good, sha256: '0'.repeat(64) },
    { ...(files[2] as ArchiveFile), uncompressed: 1000 },
    { ...good, path: join(folder, 'missing') },
  ];
  const result = await extractFiles([...files, ...bad], together);
  assert.deepEqual(result.failed, [24, 25, 26]);
  assert.equal(result.paths.length, 24 * 23);
  assert.deepEqual(tree(together), tree(alone));
  await assert.rejects(
    extractFiles(files, mkdtempSync(join(folder, 'c-')), AbortSignal.abort(new Error('enough'))),
    /enough/,
  );
});
