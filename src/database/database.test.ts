import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DatabaseOptions, openDatabase } from './index.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-database-'));
after(() => rm(root, { recursive: true, force: true }));

const WRITER = `
  import { openDatabase } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
  const database = await openDatabase({ kind: 'embedded', directory: process.argv[1] });
  for (let i = 0; ; i += 1) {
    await database.transaction(async (trx) => {
      await trx.insertInto('metadata').values([{ key: 'a' + i, value: '' }, { key: 'b' + i, value: '' }]).execute();
    });
    process.stdout.write(i + '\\n');
  }`;

function writer(directory: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', WRITER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Kills the writer once it has reported `lines` commits; the number of the last one reported. */
async function killedAfter(child: ChildProcess, lines: number): Promise<number> {
  let text = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += String(chunk);
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  }
  return text.split('\n').length - 2;
}

test('kill -9 loses no reported commit, and the lock of the dead process is taken over', async () => {
  const directory = join(root, 'killed');
  const last = await killedAfter(writer(directory), 20);
  const database = await openDatabase({ kind: 'embedded', directory });
  try {
    const rows = await database.kysely.selectFrom('metadata').select('key').execute();
    const keys = new Set(rows.map((row) => row.key));
    for (let i = 0; i <= last; i += 1) assert.ok(keys.has(`a${i}`) && keys.has(`b${i}`), `commit ${i} of ${last}`);
    // Whatever came after the last report is whole or absent.
    assert.equal(
      [...keys].filter((key) => key.startsWith('a')).length,
      [...keys].filter((key) => key.startsWith('b')).length,
    );
    await assert.rejects(openDatabase({ kind: 'embedded', directory }), {
      code: 'DATABASE_IN_USE',
      message: new RegExp(`process ${process.pid}`),
    });
  } finally {
    await database.close();
  }
  // Closing gives the lock back.
  await (await openDatabase({ kind: 'embedded', directory })).close();
});

test('a first start that was killed half-way begins again', async () => {
  const directory = join(root, 'unfinished');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'PG_VERSION'), '18\n');
  await writeFile(`${directory}.initialising`, '');
  await (await openDatabase({ kind: 'embedded', directory })).close();
});

test('a broken folder is a coded error and stays as it is', async () => {
  const directory = join(root, 'broken');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'PG_VERSION'), '9.6\n');
  await assert.rejects(openDatabase({ kind: 'embedded', directory }), { code: 'DATABASE_BROKEN' });
  assert.equal(await readFile(join(directory, 'PG_VERSION'), 'utf8'), '9.6\n');
});

test('a lock of a recycled pid, an empty lock and a lock of another boot are stale', async () => {
  const directory = join(root, 'stale');
  for (const lock of [`{"pid":${process.ppid},"started":"other-boot/1"}`, '', '{"pid":4194304,"started":""}']) {
    await writeFile(`${directory}.lock`, lock);
    await (await openDatabase({ kind: 'embedded', directory })).close();
  }
});

test('an unreachable server is a coded error without the password', async () => {
  const options: DatabaseOptions = { kind: 'postgresql', url: 'postgresql://user:hunter2@127.0.0.1:1/none' };
  await assert.rejects(openDatabase(options), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'DATABASE_UNREACHABLE');
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
});
