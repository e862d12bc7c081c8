import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isHeraklitError } from '../../base/index.ts';
import { createSecretSearch, readSecrets } from './secrets.ts';

const found = (error: unknown): boolean =>
  isHeraklitError(error, 'REBUILD_SECRET_KEPT') && error.message.includes('token');

test('a secret is found in one piece and across chunks, and too short ones are not looked for', () => {
  const search = createSecretSearch(
    new Map([
      ['token', Buffer.from('s3cret-value\n')],
      ['pin', Buffer.from('1234')],
    ]),
  );
  search.check(Buffer.from('s3cret 1234'), 'x');
  assert.throws(() => search.check(Buffer.from('…s3cret-value…'), 'x'), found);
  const watch = search.watch('a layer');
  watch(Buffer.from('xx s3cret'));
  assert.throws(() => watch(Buffer.from('-value')), found);
  createSecretSearch(new Map()).watch('x')(Buffer.alloc(10));
});

test('secrets are files', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'a'), 'value');
  assert.deepEqual(await readSecrets([{ id: 'a', source: join(folder, 'a') }]), new Map([['a', Buffer.from('value')]]));
  for (const source of [folder, join(folder, 'none')]) {
    await assert.rejects(readSecrets([{ id: 'a', source }]), (error) =>
      isHeraklitError(error, 'REBUILD_CONTEXT_INVALID'),
    );
  }
});
