import { attestationTag, signatureTag } from '../../src/attestation/index.ts';
import type { Database } from '../../src/database/index.ts';
import { readEvents } from '../../src/events/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import type { RegistryCatalogue } from '../../src/registry/index.ts';
import type { BlobStore } from '../../src/storage/index.ts';

/** Everything a run leaves behind that must not depend on how often it was killed; times are left out. */
export interface FinalState {
  readonly fleet: unknown;
  readonly runs: unknown;
  readonly tasks: unknown;
  readonly quarantine: unknown;
  readonly tags: Readonly<Record<string, string | undefined>>;
  /** Signature, statements and number of referrers of what the tags name. */
  readonly signed: Readonly<Record<string, unknown>>;
  /** Sorted: parallel tasks end in any order. */
  readonly events: readonly string[];
  readonly blobs: readonly string[];
  readonly openJobs: number;
}

export async function finalState(
  database: Database,
  catalogue: RegistryCatalogue,
  blobs: BlobStore,
): Promise<FinalState> {
  const { kysely } = database;
  const fleet = await kysely.selectFrom('fleet_image').selectAll().orderBy('name').execute();
  const runs = await kysely.selectFrom('run').select(['id', 'attempt', 'status']).orderBy('id').execute();
  const tasks = await kysely.selectFrom('task').selectAll().orderBy('run').orderBy('image').execute();
  const quarantine = await kysely.selectFrom('quarantine').selectAll().orderBy('digest').execute();
  const tags: Record<string, string | undefined> = {};
  for (const { name, repository, tag } of fleet) tags[name] = (await catalogue.resolve(repository, tag))?.digest;
  const signed: Record<string, unknown> = {};
  for (const { name, repository } of fleet) {
    const digest = tags[name] as Digest | undefined;
    if (digest === undefined) continue;
    const named = await Promise.all(
      [signatureTag(digest), attestationTag(digest)].map((tag) => catalogue.resolve(repository, tag)),
    );
    const referrers = await catalogue.referrers(repository, digest);
    signed[name] = { tags: named.map((one) => one?.digest), referrers: referrers.map((one) => one.digest) };
  }
  const stored: string[] = [];
  for await (const { digest } of blobs.list()) {
    for await (const _ of await blobs.open(digest as Digest));
    stored.push(digest);
  }
  const events = await readEvents(kysely, { after: 0, limit: 1000 });
  const { rows } = await database.raw.query(
    `select count(*)::integer as open from heraklit_queue.job where state in ('created', 'retry', 'active')`,
  );
  return {
    fleet: fleet.map(({ released: _, ...row }) => row),
    runs,
    tasks: tasks.map(({ updated: _, result, ...row }) => ({ ...row, result: steady(JSON.parse(result ?? 'null')) })),
    quarantine: quarantine.map(({ since: _, ...row }) => row),
    tags,
    signed,
    events: events
      .map(({ id, type, subject, data }) => JSON.stringify({ id, type, subject, data: steady(data) }))
      .sort(),
    blobs: stored.sort(),
    openJobs: (rows[0] as { open: number }).open,
  };
}

/** Without what a restart may change rightly: durations, and which blobs were there already. */
function steady(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(steady);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name]) => name !== 'milliseconds' && name !== 'statistics');
  return Object.fromEntries(members.map(([name, member]) => [name, steady(member)]));
}
