import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBlobStore } from '../../src/storage/index.ts';

const KILLS = 12;

/** Writes blobs every way there is until it is killed, printing the digest of each one that was promised to be safe. */
const WRITER = `
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { openBlobStore } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/storage/index.ts'))};
const store = await openBlobStore(process.argv[1]);
const say = ({ digest }) => process.stdout.write(digest + '\\n');
const size = () => 1 + Math.floor(Math.random() ** 4 * 3_000_000);
const ways = [
  async () => say(await store.put(randomBytes(size()))),
  async () => say(await store.write(Readable.from([randomBytes(size()), randomBytes(size())]))),
  async () => (await store.putMany(Array.from({ length: 20 }, () => randomBytes(2_000)))).forEach(say),
  async () => {
    const scratch = await store.scratch();
    await writeFile(scratch.path, randomBytes(size()));
    say(await scratch.commit());
  },
];
process.stdout.write('ready\\n');
for (;;) await Promise.all(ways.map((way) => way()));
`;

test('a store whose writers are killed at any moment holds whole blobs only, and every promised one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kill-'));
  try {
    const promised = new Set<string>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const writer = spawn(process.execPath, ['--input-type=module', '-e', WRITER, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      writer.stdout.on('data', (chunk) => {
        said += String(chunk);
      });
      while (!said.includes('ready')) await sleep(5);
      await sleep(10 + Math.random() * 150);
      writer.kill('SIGKILL');
      await once(writer, 'close');
      // The last line may be cut.
      for (const line of said.split('\n').slice(1, -1)) promised.add(line);
    }
    const store = await openBlobStore(folder);
    assert.deepEqual(await readdir(join(folder, '.scratch')), [], 'the next open clears up after the dead');
    const there = new Set<string>();
    for await (const { digest } of store.list()) {
      await store.read(digest, 10_000_000);
      there.add(digest);
    }
    assert.ok(promised.size > 0);
    assert.deepEqual(
      [...promised].filter((digest) => !there.has(digest)),
      [],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
