import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDirectorySync } from './directory-sync.ts';

test('calls share syncs, and each resolves after one that began after it', async () => {
  let began = 0;
  const sync = createDirectorySync('/unused', async () => {
    began += 1;
    await new Promise((done) => setTimeout(done, 5));
  });
  const first = sync.sync();
  const late = Array.from({ length: 100 }, async () => {
    const before = began;
    await sync.sync();
    assert.ok(began > before);
  });
  await Promise.all([first, ...late]);
  assert.equal(began, 2);
  await sync.settled();
  assert.equal(began, 2, 'nothing was touched since');
  sync.touched();
  await sync.settled();
  await sync.settled();
  assert.equal(began, 3);
});

test('a failed sync fails its callers, not the next ones', async () => {
  let calls = 0;
  const sync = createDirectorySync('/unused', async () => {
    calls += 1;
    if (calls === 1) throw new Error('input/output error');
  });
  const results = await Promise.allSettled([sync.sync(), sync.sync()]);
  await sync.settled();
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});
