/**
 * The inventory at fleet size: 100,000 images, 20,000 distinct layers, 200 packages an image, on the embedded database
 * and on PostgreSQL. `--images N --layers N --only embedded|postgresql --seed N --batch N --json FILE`.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Database, openDatabase } from '../src/database/index.ts';
import { recordImages, refreshStatistics } from '../src/inventory/store/index.ts';
import { postgresqlPrograms, startCluster } from '../test/support/postgresql.ts';
import { WORK } from './fixtures.ts';
import { type FleetSize, GeneratedFleet } from './inventory/fleet.ts';
import { PeakMemory, timed } from './inventory/measure.ts';
import { type Row, runQueries } from './inventory/queries.ts';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '100000' },
    layers: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    batch: { type: 'string', default: '500' },
    only: { type: 'string', default: '' },
    runs: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const size: FleetSize = { images: Number(values.images), layers: Number(values.layers), seed: Number(values.seed) };

async function load(database: Database): Promise<readonly Row[]> {
  // Made first, so that neither its time nor its memory counts.
  const images = [...new GeneratedFleet(size).images()];
  const memory = new PeakMemory();
  let done = 0;
  let packages = 0;
  const processor = process.cpuUsage();
  const { seconds } = await timed(async () => {
    for (const batch of chunksOf(images, Number(values.batch))) {
      await database.transaction((trx) => recordImages(trx, batch));
      done += batch.length;
      packages += batch.reduce(
        (sum, { contents }) => sum + contents.packages.length + contents.languagePackages.length,
        0,
      );
      if (done % 5000 < batch.length) process.stderr.write(`${database.kind}: ${done} of ${size.images} images\n`);
    }
  });
  const { user, system } = process.cpuUsage(processor);
  await database.transaction(refreshStatistics);
  const { rows } = await database.raw.query('select pg_database_size(current_database())::float8 as bytes');
  const bytes = (rows[0] as { bytes: number }).bytes;
  return [
    { what: 'packages an image', value: packages / done, unit: '' },
    { what: 'loaded', value: done / seconds, unit: 'images/s' },
    { what: 'processor time of this process an image', value: (user + system) / 1000 / done, unit: 'ms' },
    { what: 'memory while recording, over the fleet in memory', value: memory.over() / 1e6, unit: 'MB' },
    { what: 'the same an image', value: memory.over() / 1000 / done, unit: 'KB' },
    { what: 'disk an image', value: bytes / done / 1000, unit: 'KB' },
  ];
}

function* chunksOf<T>(items: readonly T[], length: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += length) yield items.slice(at, at + length);
}

async function measure(database: Database): Promise<readonly Row[]> {
  try {
    return [...(await load(database)), ...(await runQueries(database, Number(values.runs)))];
  } finally {
    await database.close();
  }
}

/** Over half a processor busy with other things: times of such a run are no figures. */
const before = loadavg()[0] ?? 0;
const results: Record<string, readonly Row[]> = {};
if (values.only !== 'embedded') {
  const programs = postgresqlPrograms();
  if (programs === undefined) throw new Error('postgresql is not installed');
  const cluster = await startCluster(programs);
  try {
    results.postgresql = await measure(await openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() }));
  } finally {
    await cluster.stop();
  }
}
if (values.only !== 'postgresql') {
  mkdirSync(WORK, { recursive: true });
  const directory = join(WORK, `inventory-${process.pid}`);
  try {
    results.embedded = await measure(await openDatabase({ kind: 'embedded', directory }));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
console.log(
  `load average before ${before.toFixed(1)} on ${cpus().length} processors${before > 0.5 ? ': a loaded machine, no figures' : ''}`,
);
for (const [database, rows] of Object.entries(results)) {
  console.log(`\n${database}, ${size.images} images, ${size.layers} layers`);
  for (const { what, value, unit, goal } of rows) {
    const verdict = goal === undefined ? '' : `  (goal ${goal} ${unit})${value <= goal ? '' : '  MISSED'}`;
    console.log(`  ${what}: ${value.toFixed(value < 100 ? 2 : 0)} ${unit}${verdict}`);
  }
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ size, loadBefore: before, results }, null, 2)}\n`);
