import { sql } from 'kysely';
import { type DatabaseTransaction, unnest } from '../../database/index.ts';

/** What runs, in the form it is recorded. */
export interface RecordedWorkload {
  readonly id: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** Undefined where the runtime does not tell. */
  readonly ready?: number;
  readonly containers: readonly RecordedWorkloadContainer[];
}

export interface RecordedWorkloadContainer {
  readonly name: string;
  readonly role?: string;
  readonly image: string;
  readonly digest: string | undefined;
  /** What copies run where that is not just `digest`; undefined: nobody looked, what is recorded stays. */
  readonly running?: readonly { readonly digest: string; readonly replicas: number }[];
}

/** Of which recorded workloads a list is the whole. */
export interface WorkloadScope {
  /** `workload.runtime` of its rows. */
  readonly runtime: string;
  /** Beginning of their ids; all of the runtime without it. */
  readonly prefix?: string;
  readonly namespaces?: readonly string[] | undefined;
  readonly kinds?: readonly string[];
  /** False where only the containers of a template are listed, and others may be known from elsewhere. */
  readonly allRoles?: boolean;
}

/** Takes a list for all there is in its scope: what is not in it is removed. Rows that stay as they are are not written. */
export async function recordWorkloads(
  trx: DatabaseTransaction,
  scope: WorkloadScope,
  workloads: readonly RecordedWorkload[],
  now: Date,
): Promise<void> {
  await removeOthers(trx, scope, workloads);
  await upsertWorkloads(trx, scope.runtime, workloads, now);
}

/** The same for what changed alone: a fixed number of statements, whatever there is besides. */
export async function changeWorkloads(
  trx: DatabaseTransaction,
  runtime: string,
  changes: { readonly changed: readonly RecordedWorkload[]; readonly gone: readonly string[] },
  now: Date,
): Promise<void> {
  const { changed, gone } = changes;
  if (gone.length > 0)
    await trx
      .deleteFrom('workload')
      .where('id', 'in', [...gone])
      .execute();
  await removeContainers(trx, changed, true);
  await upsertWorkloads(trx, runtime, changed, now);
  await removeStrayReplicas(trx, [...gone, ...changed.map(({ id }) => id)]);
}

const slotsOf = (workloads: readonly RecordedWorkload[]) =>
  workloads.flatMap(({ id, containers }) => containers.map(({ name }) => ({ id, container: name })));

const SLOT = { id: 'text', container: 'text' } as const;

async function removeOthers(
  trx: DatabaseTransaction,
  { runtime, prefix, namespaces, kinds, allRoles = true }: WorkloadScope,
  workloads: readonly RecordedWorkload[],
): Promise<void> {
  const ids = workloads.map(({ id }) => id);
  const { rows } = await sql<{ id: string }>`delete from workload where runtime = ${runtime}
    ${prefix === undefined ? sql`` : sql`and starts_with(id, ${prefix})`}
    ${namespaces === undefined ? sql`` : sql`and namespace = any(${sql.val([...namespaces])}::text[])`}
    ${kinds === undefined ? sql`` : sql`and kind = any(${sql.val([...kinds])}::text[])`}
    and not exists (select from unnest(${sql.val(ids)}::text[]) as listed (id) where listed.id = workload.id)
    returning id`.execute(trx);
  await removeContainers(trx, workloads, allRoles);
  await removeStrayReplicas(trx, [...new Set([...rows.map(({ id }) => id), ...ids])]);
}

/** Containers that these workloads have no more. */
async function removeContainers(
  trx: DatabaseTransaction,
  workloads: readonly RecordedWorkload[],
  allRoles: boolean,
): Promise<void> {
  if (workloads.length === 0) return;
  await sql`delete from workload where id = any(${sql.val(workloads.map(({ id }) => id))}::text[])
    ${allRoles ? sql`` : sql`and role = 'container'`}
    and not exists (select from ${unnest(slotsOf(workloads), SLOT)} as slot (id, container)
      where slot.id = workload.id and slot.container = workload.container)`.execute(trx);
}

async function upsertWorkloads(
  trx: DatabaseTransaction,
  runtime: string,
  workloads: readonly RecordedWorkload[],
  now: Date,
): Promise<void> {
  // Always in the same order: two servers that watch one cluster must not wait for each other.
  const rows = workloads
    .flatMap(({ containers, id, kind, namespace, name, replicas, ready }) =>
      containers.map((container) => ({
        ...{ id, kind, namespace, name, replicas },
        ready: ready ?? null,
        container: container.name,
        role: container.role ?? null,
        image: container.image,
        digest: container.digest ?? null,
      })),
    )
    .sort((a, b) => (a.id === b.id ? (a.container < b.container ? -1 : 1) : a.id < b.id ? -1 : 1));
  if (rows.length === 0) return;
  const text = 'text' as const;
  const names = { kind: text, namespace: text, name: text };
  const columns = { ...SLOT, ...names, image: text, digest: text, role: text, replicas: 'integer', ready: 'integer' };
  await sql`insert into workload (id, container, kind, namespace, name, image, digest, role, replicas, ready, runtime, seen)
    select id, container, kind, namespace, name, image, digest, coalesce(role, 'container'), replicas, ready,
      ${runtime}::text, ${now}::timestamptz
    from ${unnest(rows, columns as never)}
      as listed (id, container, kind, namespace, name, image, digest, role, replicas, ready)
    on conflict (id, container) do update set kind = excluded.kind, image = excluded.image, digest = excluded.digest,
      replicas = excluded.replicas, ready = coalesce(excluded.ready, workload.ready), runtime = excluded.runtime,
      role = case when excluded.role = 'container' then workload.role else excluded.role end, seen = excluded.seen
    where (workload.kind, workload.image, workload.digest, workload.replicas, workload.ready, workload.runtime)
      is distinct from (excluded.kind, excluded.image, excluded.digest, excluded.replicas,
        coalesce(excluded.ready, workload.ready), excluded.runtime)`.execute(trx);
  await recordReplicas(trx, workloads);
}

async function recordReplicas(trx: DatabaseTransaction, workloads: readonly RecordedWorkload[]): Promise<void> {
  const told = workloads.flatMap(({ id, containers }) =>
    containers.flatMap(({ name, running }) => (running === undefined ? [] : [{ id, container: name, running }])),
  );
  if (told.length === 0) return;
  await sql`delete from workload_replicas using ${unnest(told, SLOT)} as slot (id, container)
    where workload_replicas.id = slot.id and workload_replicas.container = slot.container`.execute(trx);
  const rows = told.flatMap(({ id, container, running }) => running.map((one) => ({ id, container, ...one })));
  if (rows.length === 0) return;
  await sql`insert into workload_replicas (id, container, digest, replicas)
    select * from ${unnest(rows, { ...SLOT, digest: 'text', replicas: 'integer' })}
    on conflict (id, container, digest) do update set replicas = excluded.replicas`.execute(trx);
}

async function removeStrayReplicas(trx: DatabaseTransaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`delete from workload_replicas where id = any(${sql.val([...ids])}::text[]) and not exists (
    select from workload where workload.id = workload_replicas.id
      and workload.container = workload_replicas.container)`.execute(trx);
}
