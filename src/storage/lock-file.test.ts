import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLock } from './lock-file.ts';
import { ownerState, ownerToken } from './owner.ts';

/** A token of this machine and boot whose process cannot exist. */
const deadToken = (): string => ownerToken().replace(/^([0-9a-f]{12})-\d+-\d+/, '$1-4194305-1');

test('a process is alive to itself, a pid that cannot be is dead, anything else unknown', () => {
  assert.equal(ownerState(ownerToken()), 'alive');
  assert.equal(ownerState(deadToken()), 'dead');
  assert.equal(ownerState(ownerToken().replace(/^[0-9a-f]{12}/, '000000000000')), 'unknown');
  assert.equal(ownerState('something else'), 'unknown');
  const reused = ownerToken().replace(/^([0-9a-f]{12}-\d+)-\d+/, '$1-1');
  assert.equal(ownerState(reused), 'dead', 'same pid, another start time: the pid was reused');
});

test('holders come one after the other, and a dead one is broken exactly once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'));
  const path = join(folder, 'lock');
  try {
    await writeFile(path, deadToken());
    let inside = 0;
    let most = 0;
    const count = join(folder, 'count');
    await writeFile(count, '0');
    const step = (): Promise<void> =>
      withLock(path, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await writeFile(count, String(Number(await readFile(count, 'utf8')) + 1));
        inside -= 1;
      });
    await Promise.all(Array.from({ length: 25 }, step));
    assert.equal(most, 1);
    assert.equal(await readFile(count, 'utf8'), '25');
    assert.deepEqual(await readdir(folder), ['count']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a lock that stays held is STORAGE_LOCKED, and released when the work fails', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'));
  const path = join(folder, 'lock');
  try {
    await withLock(path, async () => {
      await assert.rejects(
        withLock(path, async () => {}, { wait: 20, poll: 2 }),
        (error: { code?: string; retryable?: boolean }) => error.code === 'STORAGE_LOCKED' && error.retryable === true,
      );
    });
    await assert.rejects(
      withLock(path, () => Promise.reject(new Error('work failed'))),
      /work failed/,
    );
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});
