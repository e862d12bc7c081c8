import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '../database/index.ts';
import { emit, type NewEvent, OUTBOX_CHANNEL, readEvents } from './index.ts';

let directory: string;
let database: Database;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'heraklit-events-'));
  database = await openDatabase({ kind: 'embedded', directory: join(directory, 'database') });
});
after(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

const event = (key: string): NewEvent => ({
  type: 'io.heraklit.image.outdated',
  subject: `image/${key}`,
  data: { key },
  key,
});

test('an event exists exactly when its transaction committed, once for each key', async () => {
  await database.transaction((trx) => emit(trx, event('a')));
  await assert.rejects(
    database.transaction(async (trx) => {
      await emit(trx, event('lost'));
      throw new Error('no');
    }),
  );
  assert.equal(await database.transaction((trx) => emit(trx, [event('a'), event('b'), event('b')])), 1);
  const events = await readEvents(database.kysely, { after: 0, limit: 10 });
  assert.deepEqual(
    events.map((one) => one.subject),
    ['image/a', 'image/b'],
  );
  const [first, second] = events;
  assert.ok(first && second && first.sequence < second.sequence);
  assert.match(first.source, /^\/heraklit\/[0-9a-f-]{36}$/);
  assert.deepEqual(await readEvents(database.kysely, { after: second.sequence, limit: 10 }), []);
  assert.deepEqual(await readEvents(database.kysely, { after: 0, limit: 10, types: ['io.heraklit.none'] }), []);
});

test('a commit with new events wakes listeners', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = await database.listen(OUTBOX_CHANNEL, resolve);
  await database.transaction((trx) => emit(trx, event('wake')));
  await promise;
  await stop();
});
