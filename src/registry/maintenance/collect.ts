import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { type Progress, silentProgress } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { emit } from '../../events/index.ts';
import { type Digest, digestOf } from '../../oci/index.ts';
import { type BlobStore, RENEW_AFTER, type StoredBlob } from '../../storage/index.ts';
import { COLLECT_LOCK } from '../catalogue/publish.ts';
import { registryError } from '../errors.ts';
import {
  type Amount,
  addCandidates,
  type Cutoffs,
  candidatesLeft,
  dropAbandoned,
  isAmong,
  isInUse,
  isNeeded,
  isUncertain,
  keepWhere,
  markManifests,
  NONE,
  plus,
  stillUnused,
} from './candidates.ts';
import { pruneLinks } from './links.ts';
import { fillInNames, type Unreadable } from './names.ts';
import { type NeededImages, neededBlobs, nothingNeeded } from './needed.ts';
import { fillInSizes } from './sizes.ts';

/** Milliseconds a blob that nothing names stays: longer than any push and any build takes. */
export const DEFAULT_GRACE = 24 * 3_600_000;
/** Least grace: a client may have been told an hour ago that a blob is there. */
export const MIN_GRACE = 2 * RENEW_AFTER;
/** Milliseconds by which the clocks of processes that share a store may differ. */
const CLOCK_SKEW = 15 * 60_000;
/** Transactions that publish take less, from their first statement to their commit. */
const LONGEST_PUBLISH = '15 minutes';
/** Blobs deleted in one transaction; publishers wait for it. */
const SWEEP_PAGE = 200;
/** The same where a deletion takes several requests to a server. */
const REMOTE_SWEEP_PAGE = 16;
const LIST_PAGE = 2_000;

export interface CollectOptions {
  readonly database: Database;
  readonly store: BlobStore;
  /** What later stages count on. */
  readonly needed?: NeededImages;
  /** Images that stand in the store's own index.json, say. */
  readonly pinned?: readonly Digest[];
  /** Milliseconds; DEFAULT_GRACE. */
  readonly grace?: number;
  /** Says what would go, and changes nothing. */
  readonly dryRun?: boolean;
  /** Told of each page of blobs that went, or would. */
  readonly freed?: (blobs: readonly StoredBlob[]) => void;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface CollectReport {
  readonly run: string;
  readonly dryRun: boolean;
  readonly started: string;
  readonly milliseconds: number;
  readonly manifests: number;
  readonly looked: Amount;
  /** Why blobs stay. */
  readonly kept: {
    /** Written or counted on within the grace. */
    readonly recent: Amount;
    /** Config, layer, child or subject of a manifest. */
    readonly named: Amount;
    readonly manifest: Amount;
    /** A client counts on it in some repository. */
    readonly inUse: Amount;
    /** Of an image that runs, is released, a base, or the way back. */
    readonly needed: Amount;
    /** In a repository with a manifest that cannot be read. */
    readonly uncertain: Amount;
    /** Came into use while the collection ran. */
    readonly meanwhile: Amount;
  };
  readonly freed: Amount;
  /** Links of repositories to blobs that none of their manifests names. */
  readonly links: number;
  readonly unreadable: readonly Unreadable[];
}

/**
 * Deletes blobs that nothing needs, while pushes and builds go on. docs/decisions/0040-collection.md has the invariant
 * and why it holds. Any number of collections may run at once, and any may be killed.
 *
 * @throws REGISTRY_GRACE_INVALID
 */
export async function collectGarbage(options: CollectOptions): Promise<CollectReport> {
  const { database, store, dryRun = false, grace = DEFAULT_GRACE, progress = silentProgress, signal } = options;
  const needed = options.needed ?? nothingNeeded;
  if (!(grace >= 2 * (store.renewAfter ?? RENEW_AFTER))) {
    throw registryError('REGISTRY_GRACE_INVALID', `a grace of ${grace / 1_000} s is too short to be safe`, {
      hint: `Clients are told for an hour that a blob is there: at least ${MIN_GRACE / 3_600_000} hours.`,
    });
  }
  const began = Date.now();
  const skew = Math.min(CLOCK_SKEW, grace / 4);
  const before = began - grace - skew;
  const cutoffs = await readCutoffs(database, grace);
  const run = `${new Date(began).toISOString()}-${randomUUID()}`;
  await dropAbandoned(database, new Date(began - 86_400_000).toISOString());
  try {
    const unreadable = await fillInNames(database, store, signal);
    await fillInSizes(database, store, signal);
    const { looked, recent } = await listOld(options, run, before);
    const { named, manifests, read } = await markManifests(database, run, (done) => {
      signal?.throwIfAborted();
      progress.update('marking manifests', done, 0);
    });
    const inUse = await keepWhere(database, run, isInUse(cutoffs));
    const uncertain = await keepWhere(database, run, isUncertain);
    let kept = await keepWhere(database, run, isNeeded(needed));
    for await (const digests of neededBlobs(database.kysely, store, needed, options.pinned ?? [])) {
      kept = plus(kept, await keepWhere(database, run, isAmong(digests)));
    }
    const swept = dryRun ? await listOnly(options, run) : await sweep(options, run, { before, cutoffs, needed });
    const links = await pruneLinks(database, cutoffs.links, dryRun);
    const report: CollectReport = {
      ...{ run, dryRun, started: new Date(began).toISOString(), milliseconds: Date.now() - began },
      ...{ manifests: read, looked, freed: swept.freed, links: links + swept.links, unreadable },
      kept: { recent, named, manifest: manifests, inUse, needed: kept, uncertain, meanwhile: swept.meanwhile },
    };
    if (!dryRun) await announce(database, report);
    return report;
  } finally {
    await database.kysely.deleteFrom('registry_candidate').where('run', '=', run).execute();
  }
}

async function readCutoffs(database: Database, grace: number): Promise<Cutoffs> {
  const { rows } = await sql<Cutoffs>`select (now() - ${`${grace} milliseconds`}::interval)::text as links,
    (now() - ${LONGEST_PUBLISH}::interval)::text as pushed`.execute(database.kysely);
  return rows[0] as Cutoffs;
}

/** Everything in the store that is older than the grace becomes a candidate. */
async function listOld(
  { database, store, progress = silentProgress, signal }: CollectOptions,
  run: string,
  before: number,
): Promise<{ readonly looked: Amount; readonly recent: Amount }> {
  let [looked, recent] = [NONE, NONE];
  let page: StoredBlob[] = [];
  const write = async (): Promise<void> => {
    if (page.length > 0) await addCandidates(database, run, page);
    page = [];
    progress.update('listing blobs', looked.blobs, 0);
  };
  for await (const { digest, size, modified } of store.list()) {
    const amount = { blobs: 1, bytes: size };
    looked = plus(looked, amount);
    if (modified >= before) recent = plus(recent, amount);
    else page.push({ digest, size });
    if (page.length < LIST_PAGE) continue;
    signal?.throwIfAborted();
    await write();
  }
  await write();
  return { looked, recent };
}

interface Swept {
  readonly freed: Amount;
  readonly meanwhile: Amount;
  readonly links: number;
}

async function listOnly({ database, freed }: CollectOptions, run: string): Promise<Swept> {
  let total = NONE;
  for await (const page of candidatesLeft(database, run)) {
    for (const { size } of page) total = plus(total, { blobs: 1, bytes: size });
    freed?.(page);
  }
  return { freed: total, meanwhile: NONE, links: 0 };
}

interface SweepPlan {
  readonly before: number;
  readonly cutoffs: Cutoffs;
  readonly needed: NeededImages;
}

async function sweep(options: CollectOptions, run: string, plan: SweepPlan): Promise<Swept> {
  const { database, store, progress = silentProgress, signal } = options;
  const most = store.localPath(digestOf('')) === undefined ? REMOTE_SWEEP_PAGE : SWEEP_PAGE;
  let swept: Swept = { freed: NONE, meanwhile: NONE, links: 0 };
  let done = 0;
  for await (const page of candidatesLeft(database, run, most)) {
    signal?.throwIfAborted();
    const { gone, links } = await sweepPage(options, run, page, plan);
    const all = page.reduce((sum, { size }) => plus(sum, { blobs: 1, bytes: size }), NONE);
    const went = gone.reduce((sum, { size }) => plus(sum, { blobs: 1, bytes: size }), NONE);
    swept = {
      freed: plus(swept.freed, went),
      meanwhile: plus(swept.meanwhile, { blobs: all.blobs - went.blobs, bytes: all.bytes - went.bytes }),
      links: swept.links + links,
    };
    options.freed?.(gone);
    done += page.length;
    progress.update('deleting blobs', done, 0);
  }
  return swept;
}

/** Looks again and deletes, in a transaction that no publisher can commit beside. */
async function sweepPage(
  { database, store }: CollectOptions,
  run: string,
  page: readonly StoredBlob[],
  { before, cutoffs, needed }: SweepPlan,
): Promise<{ readonly gone: readonly StoredBlob[]; readonly links: number }> {
  const digests = page.map(({ digest }) => digest);
  return database.transaction(async (trx) => {
    await sql`select pg_advisory_xact_lock(${COLLECT_LOCK})`.execute(trx);
    const unused = await stillUnused(trx, run, digests, cutoffs, needed);
    const gone = unused.length === 0 ? [] : await store.deleteOld(unused, before);
    if (gone.length === 0) return { gone, links: 0 };
    // Killed before the commit, links without a blob stay: nobody can use them, and the next collection takes them.
    const { numDeletedRows } = await trx
      .deleteFrom('registry_blob')
      .where(sql<boolean>`digest = any(${sql.val(gone.map(({ digest }) => digest))}::text[])`)
      .executeTakeFirst();
    return { gone, links: Number(numDeletedRows) };
  });
}

async function announce(database: Database, report: CollectReport): Promise<void> {
  const { run, manifests, looked, kept, freed, links, milliseconds } = report;
  await database.transaction((trx) =>
    emit(trx, {
      type: 'io.heraklit.registry.collected',
      subject: 'registry',
      key: run,
      data: { run, manifests, looked, kept, freed, links, milliseconds },
    }),
  );
}
