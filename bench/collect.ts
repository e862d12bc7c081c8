/**
 * `node bench/collect.ts [BLOBS] [MANIFESTS]`: seconds and memory of a collection over a generated registry, on the
 * embedded database, half of whose unnamed blobs go. No peer collects while it serves; the figures stand alone.
 */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { openDatabase } from '../src/database/index.ts';
import { digestHex, digestOf, MediaType } from '../src/oci/index.ts';
import { createSqlCatalogue } from '../src/registry/index.ts';
import { collectGarbage } from '../src/registry/maintenance/collect.ts';
import { openBlobStore } from '../src/storage/index.ts';

const BLOBS = Number(process.argv[2] ?? 100_000);
const MANIFESTS = Number(process.argv[3] ?? 20_000);
const LAYERS = 10;
const GARBAGE = BLOBS / 10;

const folder = await mkdtemp(join(tmpdir(), 'bench-collect-'));
try {
  const store = await openBlobStore(join(folder, 'store'));
  await mkdir(join(folder, 'store/blobs/sha256'), { recursive: true });
  const old = Date.now() / 1_000 - 3 * 86_400;
  const write = async (content: string): Promise<void> => {
    const path = join(folder, 'store/blobs/sha256', digestHex(digestOf(content)));
    await writeFile(path, content);
    await utimes(path, old, old);
  };
  const named = BLOBS - MANIFESTS - GARBAGE;
  for (let at = 0; at < BLOBS; at += 64) {
    await Promise.all(
      Array.from({ length: Math.min(64, BLOBS - at) }, (_, index) => {
        const number = at + index;
        return write(number < MANIFESTS ? `manifest ${number}` : `blob ${number - MANIFESTS}`);
      }),
    );
  }
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  const catalogue = createSqlCatalogue(database);
  for (let at = 0; at < MANIFESTS; at += 500) {
    await catalogue.publishMany(
      Array.from({ length: Math.min(500, MANIFESTS - at) }, (_, index) => {
        const number = at + index;
        const content = `manifest ${number}`;
        const names = Array.from({ length: LAYERS }, (_unused, layer) => {
          const blob = `blob ${(number * 7 + layer * 7_919) % named}`;
          return { mediaType: MediaType.layer, digest: digestOf(blob), size: blob.length };
        });
        return {
          repository: `team/${number % 200}`,
          tag: `t${number}`,
          descriptor: { mediaType: MediaType.manifest, digest: digestOf(content), size: content.length },
          blobs: names.map(({ digest }) => digest),
          names,
        };
      }),
    );
  }
  await sql`update registry_blob set touched = now() - interval '3 days'`.execute(database.kysely);
  await sql`update registry_manifest set pushed = now() - interval '3 days'`.execute(database.kysely);
  const before = process.memoryUsage().rss;
  let most = before;
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 10);
  for (const dryRun of [true, false]) {
    const cpu = process.cpuUsage();
    longest = 0;
    const report = await collectGarbage({ database, store, dryRun });
    const { user, system } = process.cpuUsage(cpu);
    console.log(
      JSON.stringify({
        dryRun,
        seconds: report.milliseconds / 1_000,
        cpuSeconds: (user + system) / 1e6,
        looked: report.looked.blobs,
        manifests: report.manifests,
        named: report.kept.named.blobs,
        freed: report.freed.blobs,
        memoryMB: Math.round((most - before) / 1e6),
        longestPauseMs: Math.round(longest),
      }),
    );
  }
  clearInterval(watch);
  await database.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
