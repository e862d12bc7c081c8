import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { threadedSession } from './threaded-session.ts';

const THREAD = `
  import { parentPort } from 'node:worker_threads';
  parentPort.postMessage({ kind: 'done', outcomes: [] });
  parentPort.on('message', ({ kind }) => {
    if (kind === 'script') throw new Error('out of memory');
  });`;

test('closing ends a thread that does not answer, and fails what waits for it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'heraklit-thread-'));
  try {
    const file = join(root, 'thread.mjs');
    await writeFile(file, THREAD);
    const session = await threadedSession(root, pathToFileURL(file), 50);
    const waiting = assert.rejects(session.run('never answered', [], false), { code: 'DATABASE_STOPPED' });
    await session.close();
    await waiting;
    await session.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test('a thread that ends fails what waits for it and whatever comes after', async () => {
  const root = await mkdtemp(join(tmpdir(), 'heraklit-thread-'));
  try {
    const file = join(root, 'thread.mjs');
    await writeFile(file, THREAD);
    const session = await threadedSession(root, pathToFileURL(file));
    const waiting = session.run('never answered', [], false);
    const stopped = { code: 'DATABASE_STOPPED', message: /out of memory/ };
    await Promise.all([assert.rejects(waiting, stopped), assert.rejects(session.script('end'), stopped)]);
    await assert.rejects(session.run('select 1', [], false), stopped);
    await session.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
