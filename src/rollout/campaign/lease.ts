import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { sql } from 'kysely';
import { type Log, messageOf } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';

/** Seconds for which a rollout is somebody's, counted by the database's clock: those of hosts may differ. */
const LEASE_SECONDS = 30;
const RENEW_MS = 10_000;

/** This process, for people and for others of its kind. */
const PROCESS = `${hostname()} pid ${process.pid} ${randomBytes(4).toString('hex')}`;
let taken = 0;

export interface Lease {
  /** Aborted when the rollout is somebody else's. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

export type LeaseAnswer =
  | { readonly kind: 'ours'; readonly lease: Lease }
  | { readonly kind: 'held'; readonly by: string };

/**
 * Makes a rollout this caller's alone. One that a process died with is free when its lease has run out; on the embedded
 * database, which serves one process, at once.
 */
export async function takeLease(database: Database, id: number, log: Log): Promise<LeaseAnswer> {
  taken += 1;
  const owner = `${PROCESS} #${taken}`;
  const stale = database.kind === 'embedded' ? sql`not starts_with(lease_owner, ${PROCESS})` : sql`false`;
  const { rows } = await sql<{ id: number }>`update rollout_campaign
    set lease_owner = ${owner}, lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
    where id = ${id} and finished is null
      and (lease_owner is null or lease_until < now() or ${stale})
    returning id`.execute(database.kysely);
  if (rows.length === 0) return { kind: 'held', by: await holderOf(database, id) };
  const lost = new AbortController();
  const renew = async (): Promise<void> => {
    const renewed = await sql<{ id: number }>`update rollout_campaign
      set lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
      where id = ${id} and lease_owner = ${owner} returning id`.execute(database.kysely);
    if (renewed.rows.length === 0) lost.abort(new Error(`rollout ${id} was taken over`));
  };
  const timer = setInterval(() => {
    renew().catch((error) => log.warn(`the lease of rollout ${id} was not renewed: ${messageOf(error)}`));
  }, RENEW_MS);
  return {
    kind: 'ours',
    lease: {
      signal: lost.signal,
      async release() {
        clearInterval(timer);
        await sql`update rollout_campaign set lease_owner = null, lease_until = null
          where id = ${id} and lease_owner = ${owner}`.execute(database.kysely);
      },
    },
  };
}

async function holderOf(database: Database, id: number): Promise<string> {
  const row = await database.kysely
    .selectFrom('rollout_campaign')
    .select('lease_owner')
    .where('id', '=', id)
    .executeTakeFirst();
  return nameOf(row?.lease_owner ?? undefined) ?? 'nobody: it has ended';
}

/** `HOST pid N` of a lease's owner. */
export const nameOf = (owner: string | undefined): string | undefined => owner?.split(' ').slice(0, 3).join(' ');
