import { sql } from 'kysely';
import { type Clock, systemClock } from '../base/index.ts';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import { emit } from '../events/index.ts';
import type { Digest } from '../oci/index.ts';

/** Verify and rollout both put digests here, so it stands before them. */
export interface QuarantineEntry {
  readonly digest: Digest;
  /** Image or pullable reference that it was offered as. */
  readonly image: string;
  /** Why; a sentence for people. */
  readonly reason: string;
  /** `verify`, a workload, a user. */
  readonly foundBy: string;
  readonly since: Date;
}

export type NewQuarantine = Omit<QuarantineEntry, 'since'>;

/**
 * Marks a digest as one never to be offered again, and announces it, in the caller's transaction. The manifest stays,
 * so that it can be looked at. One that is there already keeps its first reason and is not announced again.
 * @returns false when it was quarantined already
 */
export async function quarantine(
  trx: DatabaseTransaction,
  bad: NewQuarantine,
  clock: Clock = systemClock,
): Promise<boolean> {
  const { digest, image, reason, foundBy } = bad;
  const since = new Date(clock.now()).toISOString();
  const { rows } = await sql<{ times: number }>`
    insert into quarantine (digest, image, reason, found_by, since, times)
    values (${digest}, ${image}, ${reason}, ${foundBy}, ${since}, 1)
    on conflict (digest) do update set image = excluded.image, reason = excluded.reason,
      found_by = excluded.found_by, since = excluded.since, lifted = null, times = quarantine.times + 1
      where quarantine.lifted is not null
    returning times`.execute(trx);
  const times = rows[0]?.times;
  if (times === undefined) return false;
  const data = { digest, image, reason, foundBy };
  // Counted, not timed: the same step run again gives the same event, a second quarantine after a lift another one.
  await emit(trx, { type: 'io.heraklit.image.quarantined', subject: image, key: `${digest}\n${times}`, data }, clock);
  return true;
}

/**
 * A person says that a digest may be offered again, which is announced. It is not released or rolled out by that.
 * @returns what was lifted; undefined when it was not quarantined
 */
export async function liftQuarantine(
  trx: DatabaseTransaction,
  digest: Digest,
  { actor, reason = '' }: { readonly actor: string; readonly reason?: string | undefined },
  clock: Clock = systemClock,
): Promise<QuarantineEntry | undefined> {
  const row = await trx
    .updateTable('quarantine')
    .set({ lifted: new Date(clock.now()) })
    .where('digest', '=', digest)
    .where('lifted', 'is', null)
    .returning(['digest', 'image', 'reason', 'found_by', 'since', 'times'])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const entry = entryOf(row);
  const data = { digest, image: row.image, foundBy: row.found_by, was: row.reason, actor, reason };
  const key = `${digest}\n${row.times}`;
  await emit(trx, { type: 'io.heraklit.image.unquarantined', subject: row.image, key, data }, clock);
  return entry;
}

export async function quarantined(reader: DatabaseReader, digest: Digest): Promise<QuarantineEntry | undefined> {
  return (await quarantinedAmong(reader, [digest])).get(digest);
}

/** Entries by digest, for those of the digests that are quarantined. */
export async function quarantinedAmong(
  reader: DatabaseReader,
  digests: readonly Digest[],
): Promise<ReadonlyMap<Digest, QuarantineEntry>> {
  if (digests.length === 0) return new Map();
  const rows = await selectOpen(reader)
    .where(sql<boolean>`digest = any(${sql.val([...digests])}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.digest as Digest, entryOf(row)]));
}

/** Newest first. */
export async function listQuarantine(reader: DatabaseReader): Promise<readonly QuarantineEntry[]> {
  const rows = await selectOpen(reader).orderBy('since', 'desc').orderBy('digest').execute();
  return rows.map(entryOf);
}

function selectOpen(reader: DatabaseReader) {
  return reader
    .selectFrom('quarantine')
    .select(['digest', 'image', 'reason', 'found_by', 'since'])
    .where('lifted', 'is', null);
}

function entryOf(row: {
  digest: string;
  image: string;
  reason: string;
  found_by: string;
  since: Date;
}): QuarantineEntry {
  const { image, reason, since } = row;
  return { digest: row.digest as Digest, image, reason, foundBy: row.found_by, since };
}
