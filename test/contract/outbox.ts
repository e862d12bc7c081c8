/** What is kept of the outbox, on every kind of database. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { fixedClock } from '../../src/base/index.ts';
import type { Database } from '../../src/database/index.ts';
import { createRelay, emit, memorySink, type NewEvent, pruneOutbox, readEvents } from '../../src/events/index.ts';

const DAY = 24 * 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');
const day = (number: number): Date => new Date(START + number * DAY);

export function outboxContract(name: string, open: () => Promise<Database>, cleanup: () => Promise<void>): void {
  describe(`outbox contract: ${name}`, () => {
    let database: Database;
    before(async () => {
      database = await open();
    });
    after(async () => {
      await database.close();
      await cleanup();
    });

    const event = (number: number): NewEvent => ({
      type: 'io.heraklit.image.outdated',
      subject: `image/${number}`,
      data: { number },
      key: String(number),
    });
    const announce = (number: number): Promise<number> =>
      database.transaction((trx) => emit(trx, event(number), fixedClock(day(number).getTime())));
    const kept = async (): Promise<string[]> =>
      (await readEvents(database.kysely, { after: 0, limit: 1000 })).map((one) => one.subject.slice('image/'.length));
    const cursor = (sink: string, sequence: number) =>
      sql`insert into outbox_cursor (sink, sequence, holder, lease_until) values (${sink}, ${sequence}, 'x', now())
        on conflict (sink) do update set sequence = ${sequence}`.execute(database.kysely);
    const sequenceOf = async (number: number): Promise<number> => {
      const events = await readEvents(database.kysely, { after: 0, limit: 1000 });
      return events.find((one) => one.subject === `image/${number}`)?.sequence ?? assert.fail(String(number));
    };

    test('old events go in batches, once every sink has them; an undelivered one stays, however old', async () => {
      for (let number = 0; number < 20; number += 1) assert.equal(await announce(number), 1);
      await cursor('quick', await sequenceOf(19));
      await cursor('slow', await sequenceOf(4));
      assert.equal(await pruneOutbox(database, { olderThan: day(10), batch: 2 }), 5);
      assert.deepEqual((await kept()).slice(0, 2), ['5', '6']);
      assert.equal(await pruneOutbox(database, { olderThan: day(100) }), 0);
      await cursor('slow', await sequenceOf(19));
      assert.equal(await pruneOutbox(database, { olderThan: day(10), batch: 5 }), 5);
      assert.deepEqual(await kept(), ['10', '11', '12', '13', '14', '15', '16', '17', '18', '19']);
    });

    test('what was removed is not announced again', async () => {
      assert.equal(await announce(3), 0);
      assert.equal(await announce(15), 0);
      assert.ok(!(await kept()).includes('3'));
    });

    test('a sink that has taken nothing yet loses nothing; numbers go on where they were', async () => {
      const before = await sequenceOf(19);
      await cursor('fresh', 0);
      assert.equal(await pruneOutbox(database, { olderThan: day(100) }), 0);
      await database.kysely.deleteFrom('outbox_cursor').execute();
      assert.equal(await pruneOutbox(database, { olderThan: day(100), batch: 3 }), 10);
      assert.deepEqual(await kept(), []);
      await announce(30);
      assert.ok((await sequenceOf(30)) > before);
      const sink = memorySink();
      const relay = await createRelay({ database, sinks: [sink] });
      try {
        await announce(31);
        await relay.flush();
        assert.equal(sink.events.at(-1)?.subject, 'image/31');
      } finally {
        await relay.stop();
      }
    });

    test('announcing and removing at the same time never announces twice', async () => {
      await database.kysely.deleteFrom('outbox_cursor').execute();
      const work = Array.from({ length: 40 }, (_, at) =>
        at % 2 === 0
          ? announce(50 + (at % 8))
          : pruneOutbox(database, { olderThan: day(1000), batch: 1 }).then(() => 0),
      );
      const counts = await Promise.all(work);
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        4,
      );
    });
  });
}
