import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely } from 'kysely';
import { packageFile, syncDirectory } from '../../base/index.ts';
import { checksumOf, migrate } from '../migrate.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import { embeddedDialect } from './dialect.ts';
import { preparedSession } from './prepared-session.ts';
import { createTurns } from './turns.ts';

/**
 * The empty database of this version, made when the package is built: `initdb` inside WebAssembly and the migrations
 * take four seconds of processor time, unpacking takes half a second, and every home begins with one. The name tells
 * what it was made of: PGlite's release, as another one's files need not start, and the migrations.
 */
export function templateFile(): URL {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as { version: string };
  const made = createHash('sha256').update(version);
  for (const migration of MIGRATIONS) made.update(`${migration.name} ${checksumOf(migration)}\n`);
  return packageFile(`dist/database-${made.digest('hex').slice(0, 16)}.tar.gz`);
}

/** Undefined where the package was not built, or the sources are newer: `initdb` and migrations run then. */
export async function readTemplate(): Promise<Blob | undefined> {
  const file = templateFile();
  return existsSync(file) ? new Blob([await readFile(file)], { type: 'application/gzip' }) : undefined;
}

/** The bytes of a template: a gzip-compressed tar archive. */
export async function makeTemplate(): Promise<Uint8Array> {
  const pglite = await PGlite.create('memory://');
  const kysely = new Kysely<unknown>({ dialect: embeddedDialect(preparedSession(pglite), createTurns()) });
  await migrate(kysely);
  const dump = await pglite.dumpDataDir('gzip');
  await kysely.destroy();
  return new Uint8Array(await dump.arrayBuffer());
}

/** A home is told from others by this: two that began with one template must not share it. */
export async function giveIdentity(pglite: PGlite): Promise<void> {
  await pglite.exec(`update metadata set value = gen_random_uuid()::text where key = 'home'`);
}

/** What PGlite unpacks it does not sync: without this a power cut would leave a cluster of empty files. */
export async function syncTree(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await syncDirectory(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncDirectory(directory);
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
