import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LayerItem } from '../../../oci/index.ts';
import type { RpmDatabasePlace } from '../../patch/rpm/database-place.ts';
import { composeError } from '../errors.ts';

const SYSIMAGE = 'usr/lib/sysimage/rpm';
/** Those that are still where rpm began. */
const IN_VAR: ReadonlySet<string> = new Set(['rhel', 'centos', 'rocky', 'almalinux', 'ol', 'amzn']);
const SUSE: ReadonlySet<string> = new Set(['opensuse', 'opensuse-leap', 'opensuse-tumbleweed', 'suse', 'sles']);

export const isSuse = (distribution: string): boolean => SUSE.has(distribution.split('/', 1)[0] ?? '');

/**
 * Where a distribution's rpm keeps its database, and in which format.
 * @throws COMPOSE_NO_TOOL for one whose format no present rpm writes
 */
export function databaseOf(distribution: string): RpmDatabasePlace {
  const [id = '', release = ''] = distribution.split('/');
  const major = Number.parseInt(release, 10);
  if (isSuse(distribution)) return { folder: SYSIMAGE, backend: 'ndb' };
  if (!IN_VAR.has(id)) return { folder: SYSIMAGE, backend: 'sqlite' };
  if (major <= 8) {
    throw composeError(
      'COMPOSE_NO_TOOL',
      `${distribution} keeps its packages in a Berkeley DB, which rpm no longer writes`,
      {
        hint: 'Take a newer release, or a Dockerfile on an image of it.',
      },
    );
  }
  return { folder: major >= 10 ? SYSIMAGE : 'var/lib/rpm', backend: 'sqlite' };
}

/** What rpm leaves beside its database. */
const LEFTOVER = /(?:\.rpm\.lock|rpmdb\.sqlite-(?:shm|wal))$/;
/** Offsets in the header of a database file (https://www.sqlite.org/fileformat2.html). */
const CHANGE_COUNTER = 24;
const VALID_FOR = 92;
const WRITER = 96;
/** A version of SQLite: the field says who wrote last, which nobody reads. */
const SOME_VERSION = 3_040_000;

/**
 * The database as one file that follows from what it says alone: rpm's own has pages in the order in which they were
 * needed, and parts that are still in its journal.
 */
export async function normalDatabase(
  items: readonly LayerItem[],
  { folder }: RpmDatabasePlace,
  scratch: string,
): Promise<readonly LayerItem[]> {
  const path = `${folder}/rpmdb.sqlite`;
  const isBeside = ({ header }: LayerItem): boolean =>
    header.path.startsWith(`${folder}/`) && LEFTOVER.test(header.path);
  const database = items.find(({ header }) => header.path === path);
  const rest = items.filter((item) => item !== database && !isBeside(item));
  if (database === undefined) return rest;
  const aside = await mkdtemp(join(scratch, 'rpmdb-'));
  try {
    const file = join(aside, 'rpmdb.sqlite');
    await writeFile(file, database.content as Buffer);
    const journal = items.find(({ header }) => header.path === `${path}-wal`);
    if (journal !== undefined) await writeFile(`${file}-wal`, journal.content as Buffer);
    const connection = new DatabaseSync(file);
    try {
      connection.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE; VACUUM;');
    } finally {
      connection.close();
    }
    const content = await readFile(file);
    content.writeUInt32BE(1, CHANGE_COUNTER);
    content.writeUInt32BE(1, VALID_FOR);
    content.writeUInt32BE(SOME_VERSION, WRITER);
    return [...rest, { header: { ...database.header, size: content.length }, content }];
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
