import { type RawBuilder, sql } from 'kysely';
import { type DatabaseReader, plannedOnce } from '../../../database/index.ts';
import type { LoadedIn } from '../../types.ts';
import { type StoredPackage, storedPackages } from './report.ts';

/** Containers that a finding or place names at most, those to be restarted first. */
const MAX_PLACES = 50;

/** A running container of an image, as its host said last. */
export interface LoadedContainer {
  readonly host: string;
  readonly container: string;
  readonly name: string | undefined;
  readonly packages: ReadonlyMap<string, StoredPackage>;
}

export type ContainersByImage = ReadonlyMap<number, readonly LoadedContainer[]>;

/** Whether a host that still counts runs an image, as a condition. */
export const runsSomewhere = (image: RawBuilder<unknown>, now: Date): RawBuilder<unknown> => sql`exists (
  select from agent_container join agent_host on agent_host.host = agent_container.host
  where agent_container.image = ${image} and agent_host.expires > ${now}::timestamptz)`;

/** By image.id, containers of hosts that still count. */
export async function loadedContainers(
  reader: DatabaseReader,
  images: readonly number[],
  now: Date,
): Promise<ContainersByImage> {
  if (images.length === 0) return new Map();
  const { rows } = await sql<{
    image: number;
    host: string;
    container: string;
    name: string | null;
    packages: string;
  }>`${plannedOnce}
    select image, agent_host.name as host, container, agent_container.name, packages
    from agent_host join agent_container on agent_container.host = agent_host.host
    where expires > ${now}::timestamptz and image = any(${[...new Set(images)]}::integer[])
    order by agent_host.name, agent_host.host, container`.execute(reader);
  const containers = rows.map(({ image, host, container, name, packages }) => ({
    image,
    host,
    container,
    name: name ?? undefined,
    packages: new Map(storedPackages(packages).map((item) => [item[0], item])),
  }));
  return Map.groupBy(containers, ({ image }) => image);
}

/**
 * Where a version of a package runs; empty where it does not. A container that loaded another version runs what was
 * installed in it since; one of which nobody knows what it loaded counts.
 */
export function loadedIn(
  containers: readonly LoadedContainer[] | undefined,
  name: string,
  version: string,
): readonly LoadedIn[] {
  const places = (containers ?? []).flatMap((one): readonly LoadedIn[] => {
    const [, loaded = null, , restartDue = false, since = 0] = one.packages.get(name) ?? [];
    if (!one.packages.has(name) || (loaded !== null && loaded !== version)) return [];
    const place = { host: one.host, container: one.container, version: loaded, restartDue };
    return [
      {
        ...place,
        ...(one.name === undefined ? {} : { name: one.name }),
        since: new Date(since * 1_000).toISOString(),
      },
    ];
  });
  return places.sort((a, b) => Number(b.restartDue) - Number(a.restartDue)).slice(0, MAX_PLACES);
}
