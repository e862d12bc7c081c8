import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { silentLog } from '../../base/index.ts';
import { type Database, openDatabase } from '../../database/index.ts';
import { openQueue } from './pg-boss-queue.ts';

/** The same, with a connection that is gone after so many statements of the queue's. */
function failingAfter(database: Database, statements: number): Database {
  let left = statements;
  const query: Database['raw']['query'] = async (text, values) => {
    if (left === 0) throw new Error('the database was closed');
    left -= 1;
    return database.raw.query(text, values);
  };
  return { ...database, raw: { query } };
}

// What this test looks for would keep its own process, too: where it fails, it fails soon.
after(() => void setTimeout(() => process.exit(1), 10_000).unref());

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('a queue that does not open leaves no timer behind, wherever the database went away', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'queue-'));
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  try {
    await (await openQueue(database, 'fleet', silentLog)).stop();
    const before = timers();
    let failed = 0;
    for (;;) {
      const queue = await openQueue(failingAfter(database, failed), 'fleet', silentLog).catch((error: Error) => error);
      if (!(queue instanceof Error)) {
        await queue.stop();
        break;
      }
      failed += 1;
      assert.match(queue.message, /the database was closed/);
      assert.equal(timers(), before, `after ${failed} statements`);
    }
    assert.ok(failed > 8, 'statements of a start');
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
});
