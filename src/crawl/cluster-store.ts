import { sql } from 'kysely';
import type { DatabaseReader, DatabaseTransaction } from '../database/index.ts';
import type { ClusterState } from '../runtime/index.ts';

/** How the watch over a cluster is doing, as it is told. */
export interface ClusterStatus {
  /** `kubernetes:NAME` */
  readonly name: string;
  /** ISO 8601: when all that runs there was last known to be known; null: never yet. */
  readonly synced: string | null;
  /** ISO 8601: since when it is not; null while it is. */
  readonly failing: string | null;
  readonly problems: readonly string[];
  readonly workloads: number | null;
}

export async function noteClusterState(
  trx: DatabaseTransaction,
  name: string,
  { synced, problems }: ClusterState,
  now: Date,
  workloads?: number,
): Promise<void> {
  await sql`insert into workload_source (name, synced, failing, problems, workloads)
    values (${name}, ${synced ? now : null}::timestamptz, ${synced ? null : now}::timestamptz,
      ${JSON.stringify(problems)}, ${workloads ?? null}::integer)
    on conflict (name) do update set synced = coalesce(excluded.synced, workload_source.synced),
      failing = case when excluded.synced is null then coalesce(workload_source.failing, excluded.failing) end,
      problems = excluded.problems, workloads = coalesce(excluded.workloads, workload_source.workloads)`.execute(trx);
}

/** A cluster that was watched and is named no more: nobody would tell when its workloads end. */
export async function forgetOtherClusters(trx: DatabaseTransaction, names: readonly string[]): Promise<void> {
  const { rows } = await sql<{ name: string }>`delete from workload_source
    where not name = any(${sql.val([...names])}::text[]) returning name`.execute(trx);
  for (const { name } of rows) {
    const prefix = `${name}/`;
    await sql`delete from workload_replicas where starts_with(id, ${prefix})`.execute(trx);
    await sql`delete from workload where starts_with(id, ${prefix})`.execute(trx);
  }
}

export async function clusterStatuses(reader: DatabaseReader): Promise<readonly ClusterStatus[]> {
  const rows = await reader.selectFrom('workload_source').selectAll().orderBy('name').execute();
  return rows.map(({ name, synced, failing, problems, workloads }) => ({
    name,
    synced: synced?.toISOString() ?? null,
    failing: failing?.toISOString() ?? null,
    problems: JSON.parse(problems) as string[],
    workloads,
  }));
}
