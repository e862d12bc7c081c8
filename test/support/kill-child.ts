/**
 * `node kill-child.ts HOME [FLEET]`: runs the pipeline over the release, then over the updates, delivering events to a
 * file, and prints the final state. Killed at any moment and started again it must print the same. Without a fleet file the
 * builders are fakes; with one everything is real, on Debian packages.
 */
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { homeAt, silentLog, silentProgress, writeFileAtomic } from '../../src/base/index.ts';
import { openDatabase } from '../../src/database/index.ts';
import { signingOf } from '../../src/engine/adapters/signing.ts';
import {
  loadEngineFleet,
  openWorkshop,
  type PipelineOptions,
  pipelineOptions,
  runPipeline,
  type SigningSetup,
  verifyOf,
  type Workshop,
} from '../../src/engine/index.ts';
import { createRelay, type EventSink } from '../../src/events/index.ts';
import { createSqlCatalogue } from '../../src/registry/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { finalState } from './final-state.ts';
import { fakeDecide, fakeFleet, fakePorts } from './fleet.ts';
import { FAKES, RELEASE, UPDATED } from './kill-world.ts';
import { testSigner } from './test-signer.ts';

const root = process.argv[2] as string;
const fleetFile = process.argv[3];
const home = homeAt(root);
const database = await openDatabase({ kind: 'embedded', directory: home.database });
const blobs = await openBlobStore(home.store);
const catalogue = createSqlCatalogue(database);
const KEYS: SigningSetup = { settings: { key: '' }, signer: await testSigner(), trusted: [], version: '1' };
const signing = signingOf(
  { ...KEYS, settings: { key: '', sbom: [], bundles: true } },
  {
    workshop: { store: async () => blobs } as Workshop,
    catalogue,
    fleet: 'test',
    registryHost: '',
    checksOf: () => undefined,
  },
);
const relay = await createRelay({ database, sinks: [await fileSink(join(root, 'delivered'))], poll: 50 });
process.stdout.write('open\n');

const arrived = join(root, 'updates-arrived');
await settle(existsSync(arrived));
if (!existsSync(arrived)) {
  await writeFileAtomic(arrived, '');
  await settle(true);
}
await relay.flush();
process.stdout.write(`${JSON.stringify(await finalState(database, catalogue, blobs))}\n`);
await relay.stop();
await database.close();

async function settle(updated: boolean): Promise<void> {
  for (;;) {
    const result = await runPipeline(fleetFile === undefined ? fakes(updated) : await real(fleetFile, updated));
    if (result.run === undefined) return;
  }
}

function fakes(updated: boolean): PipelineOptions {
  const world = updated ? UPDATED : RELEASE;
  const ports = { ...fakePorts(world, blobs, FAKES), signing };
  return { fleet: fakeFleet(world), database, blobs, catalogue, ports, decide: fakeDecide };
}

async function real(path: string, updated: boolean): Promise<PipelineOptions> {
  const fleet = await loadEngineFleet(path);
  const pockets = updated ? {} : { pockets: ['release'] };
  const workshop = openWorkshop({ home, log: silentLog, progress: silentProgress, maxAge: 86_400, ...pockets });
  const verify = verifyOf({ fleet, workshop, registryHost: '' });
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  return pipelineOptions({ fleet, workshop, database, architecture, registryHost: '', verify, signing: KEYS });
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
