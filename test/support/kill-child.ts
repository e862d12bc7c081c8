/**
 * `node kill-child.ts HOME`: runs the pipeline over the release, then over the updates, delivering events to a file, and
 * prints the final state. Killed at any moment and started again it must print the same.
 */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { homeAt, writeFileAtomic } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { runPipeline } from '../../src/engine/index.ts';
import { createRelay, type EventSink } from '../../src/events/index.ts';
import { createSqlCatalogue } from '../../src/registry/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { finalState } from './final-state.ts';
import { fakeDecide, fakeFleet, fakePorts } from './fleet.ts';
import { FAKES, RELEASE, UPDATED } from './kill-world.ts';

const root = process.argv[2] as string;
const home = homeAt(root);
const database = await openDatabase({ kind: 'embedded', directory: home.database });
const blobs = await openBlobStore(home.store);
const catalogue = createSqlCatalogue(database);
const relay = await createRelay({ database, sinks: [await fileSink(join(root, 'delivered'))], poll: 50 });
process.stdout.write('open\n');

const arrived = join(root, 'updates-arrived');
await settle(existsSync(arrived) ? UPDATED : RELEASE);
if (!existsSync(arrived)) {
  await writeFileAtomic(arrived, '');
  await settle(UPDATED);
}
await relay.flush();
process.stdout.write(`${JSON.stringify(await finalState(database, catalogue, blobs))}\n`);
await relay.stop();
await database.close();

async function settle(world: typeof RELEASE): Promise<void> {
  for (;;) {
    const ports = fakePorts(world, blobs, FAKES);
    const result = await runPipeline({
      fleet: fakeFleet(world),
      database,
      blobs,
      catalogue,
      ports,
      decide: fakeDecide,
    });
    if (result.run === undefined) return;
  }
}

/** One id a line, begun by a line feed: a line torn by a kill spoils no other. */
async function fileSink(path: string): Promise<EventSink> {
  const file = await open(path, 'a');
  return {
    name: 'file',
    async deliver(events) {
      await file.appendFile(events.map((event) => `\n${event.sequence} ${event.id}.`).join(''));
      await file.datasync();
    },
    close: () => file.close(),
  };
}
