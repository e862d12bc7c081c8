import { sql } from 'kysely';
import type { DatabaseReader } from '../../../database/index.ts';
import { decodeCursor, type Page, pageSize, toPage } from '../../cursor.ts';
import { type ReportedPackage, storedPackages } from './report.ts';

/** A container as its host said last. */
export interface HostContainer {
  readonly id: string;
  readonly engine: string;
  readonly name: string | undefined;
  /** As the engine names it. */
  readonly image: string | undefined;
  /** Digest in the inventory, once it has the image. */
  readonly digest: string | undefined;
  readonly restartDue: boolean;
  readonly problem: string | undefined;
  /** Packages of which files run. */
  readonly packages: readonly RunningPackage[];
}

export interface RunningPackage extends ReportedPackage {
  /** ISO 8601: when this version was first seen to run there. */
  readonly since: string;
}

export interface HostRow {
  readonly id: string;
  readonly name: string;
  /** ISO 8601: when it looked last. */
  readonly observed: string;
  readonly expires: string;
  /** What it said still counts. */
  readonly current: boolean;
  /** Processes that could not be looked at. */
  readonly unread: number;
  /** Those to be restarted first. */
  readonly containers: readonly HostContainer[];
}

export interface HostsQuery {
  readonly now: Date;
  readonly limit?: number;
  readonly after?: string;
}

interface ContainerRow {
  readonly host: string;
  readonly container: string;
  readonly engine: string;
  readonly name: string | null;
  readonly image_name: string | null;
  readonly digest: string | null;
  readonly restart_due: boolean;
  readonly problem: string | null;
  readonly packages: string;
}

/** Hosts that reported in the last month, by id. @throws INVENTORY_CURSOR_INVALID */
export async function listHosts(reader: DatabaseReader, query: HostsQuery): Promise<Page<HostRow>> {
  const limit = pageSize(query.limit);
  const [after] = query.after === undefined ? [''] : decodeCursor(query.after, ['string'] as const);
  const rows = await reader
    .selectFrom('agent_host')
    .select(['host', 'name', 'observed', 'expires', 'unread'])
    .where('host', '>', after)
    .orderBy('host')
    .limit(limit + 1)
    .execute();
  const page = toPage(rows, limit, (row) => [row.host]);
  const containers = await containersOf(reader, sql`host = any(${page.rows.map(({ host }) => host)}::text[])`);
  const byHost = Map.groupBy(containers, ({ host }) => host);
  return {
    next: page.next,
    rows: page.rows.map(({ host, name, observed, expires, unread }) => ({
      id: host,
      name,
      observed: observed.toISOString(),
      expires: expires.toISOString(),
      current: expires > query.now,
      unread,
      containers: (byHost.get(host) ?? []).map(({ host: _, ...container }) => container),
    })),
  };
}

/** Containers that run an image now, whether the inventory has it or not. */
export async function containersRunning(
  reader: DatabaseReader,
  digest: string,
  now: Date,
): Promise<readonly (HostContainer & { readonly host: string })[]> {
  const containers = await containersOf(
    reader,
    sql`(digests @> array[${digest}]::text[] or agent_container.image = (select id from image where digest = ${digest}))
      and host in (select host from agent_host where expires > ${now}::timestamptz)`,
  );
  const hosts = await reader.selectFrom('agent_host').select(['host', 'name']).execute();
  const names = new Map(hosts.map(({ host, name }) => [host, name]));
  return containers.map((one) => ({ ...one, host: names.get(one.host) ?? one.host }));
}

async function containersOf(
  reader: DatabaseReader,
  condition: ReturnType<typeof sql>,
): Promise<readonly (HostContainer & { readonly host: string })[]> {
  const { rows } = await sql<ContainerRow>`
    select host, container, engine, agent_container.name, image_name, image.digest, restart_due, problem, packages
    from agent_container left join image on image.id = agent_container.image
    where ${condition}
    order by restart_due desc, agent_container.name, container`.execute(reader);
  return rows.map((row) => ({
    host: row.host,
    id: row.container,
    engine: row.engine,
    name: row.name ?? undefined,
    image: row.image_name ?? undefined,
    digest: row.digest ?? undefined,
    restartDue: row.restart_due,
    problem: row.problem ?? undefined,
    packages: storedPackages(row.packages).map(([name, loaded, installed, restartDue, since]) => ({
      package: name,
      loaded,
      installed,
      restartDue,
      since: new Date(since * 1_000).toISOString(),
    })),
  }));
}
