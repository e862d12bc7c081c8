import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { digestOf } from '../oci/index.ts';
import { openBlobStore } from './fs-blob-store.ts';
import { type SmallBlob, threadedBlobs } from './threaded-blobs.ts';

async function using(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'small-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const blob = (folder: string, name: string, text: string): SmallBlob => ({
  bytes: Buffer.from(text),
  scratch: join(folder, '.scratch', `${name}-${Math.random()}`),
  target: join(folder, name),
  folder,
});

test('many at once, the same one twice, and one that is there', () =>
  using(async (folder) => {
    const write = threadedBlobs();
    const all = Array.from({ length: 300 }, (_, at) => blob(folder, `b${at % 200}`, `content ${at % 200}`));
    const done = await Promise.all(all.map(write));
    assert.ok(done.every((one) => one !== undefined));
    for (let at = 0; at < 200; at += 1) assert.equal(await readFile(join(folder, `b${at}`), 'utf8'), `content ${at}`);
    assert.deepEqual(await readdir(join(folder, '.scratch')), []);
    assert.equal((await write(blob(folder, 'b7', 'content 7')))?.kind, 'present');
    // Of another size: torn by a crash of the file system.
    await writeFile(join(folder, 'b8'), 'con');
    assert.equal((await write(blob(folder, 'b8', 'content 8')))?.kind, 'written');
    assert.equal(await readFile(join(folder, 'b8'), 'utf8'), 'content 8');
  }));

test('one that cannot be written fails alone, with its code', () =>
  using(async (folder) => {
    const write = threadedBlobs();
    const [bad, good] = await Promise.allSettled([
      write({ ...blob(folder, 'bad', 'x'), scratch: join(folder, 'missing\0', 'x') }),
      write(blob(folder, 'good', 'good')),
    ]);
    assert.equal(bad?.status, 'rejected');
    assert.equal(good?.status, 'fulfilled');
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(write({ ...blob(folder, 'bad', 'x'), scratch: join(folder, 'file', 'x') }), {
      code: /ENOTDIR|EEXIST/,
    });
    assert.equal(await readFile(join(folder, 'good'), 'utf8'), 'good');
  }));

test('without its thread a blob is written the other way', () =>
  using(async (folder) => {
    const file = join(folder, 'thread.mjs');
    await writeFile(
      file,
      `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw 1; });`,
    );
    const write = threadedBlobs(pathToFileURL(file));
    assert.equal(await write(blob(folder, 'a', 'a')), undefined);
    assert.equal(await write(blob(folder, 'a', 'a')), undefined);
  }));

const WRITER = `
  import { openBlobStore } from ${JSON.stringify(new URL('./fs-blob-store.ts', import.meta.url).href)};
  const store = await openBlobStore(process.argv[1], { thread: true });
  for (let at = 0; ; at += 10) {
    const done = await Promise.all(Array.from({ length: 10 }, (_, n) => store.put(Buffer.from('blob ' + (at + n)))));
    process.stdout.write(done.map(({ digest }) => digest).join('\\n') + '\\n');
  }`;

test('kill -9 loses no blob that was reported, and leaves none that is not whole', () =>
  using(async (folder) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      text += String(chunk);
      if (text.length > 20_000) child.kill('SIGKILL');
    }
    const reported = text.split('\n').slice(0, -1);
    const store = await openBlobStore(folder);
    for (const digest of reported) assert.ok(await store.has(digest as `sha256:${string}`), digest);
    for await (const { digest } of store.list()) assert.equal(digestOf(await store.read(digest, 100)), digest);
    assert.deepEqual(await readdir(join(folder, '.scratch')).catch(() => []), []);
  }));
