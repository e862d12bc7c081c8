import type { DatabaseReader } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { repositoryOf } from '../select.ts';
import { listCampaigns } from './store.ts';

/** What is released of an image of a fleet; undefined for nothing yet. */
export async function releasedImage(
  reader: DatabaseReader,
  fleet: string,
  name: string,
): Promise<{ readonly repository: string; readonly tag: string; readonly digest: Digest } | undefined> {
  const row = await reader
    .selectFrom('fleet_image')
    .select(['repository', 'tag', 'digest'])
    .where('name', '=', name)
    .where('fleet', '=', fleet)
    .executeTakeFirst();
  if (row === undefined || row.digest === null) return undefined;
  return { repository: row.repository, tag: row.tag, digest: row.digest as Digest };
}

/** `host:port` of our registry as the last rollout of an image named it; undefined before the first. */
export async function registryOfLast(
  reader: DatabaseReader,
  name: string,
  repository: string,
): Promise<string | undefined> {
  const suffix = `/${repository}`;
  const all = await listCampaigns(reader, { name, limit: 1_000 });
  const last = all.map(({ image }) => repositoryOf(image)).find((one) => one.endsWith(suffix));
  return last?.slice(0, -suffix.length);
}
