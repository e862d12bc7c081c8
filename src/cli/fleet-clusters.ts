import type { Log } from '../base/index.ts';
import type { Fleet } from '../recipe/index.ts';
import type { ClusterOptions } from '../runtime/index.ts';
import { clusterOptions } from './cluster-loop.ts';
import type { HelmSettings } from './runtimes.ts';

/** Clusters of the fleet file that images are rolled out on; undefined where it names none. */
export function clustersOf({
  document,
  directory,
}: {
  readonly document: Pick<Fleet, 'clusters'>;
  readonly directory: string;
}): readonly ClusterOptions[] | undefined {
  return document.clusters
    ?.filter(({ rollout }) => rollout !== false)
    .map((cluster) => clusterOptions(cluster, directory));
}

/** How Helm's releases are changed; undefined where they are not to be. */
export function helmOf({ rollout = {} }: Pick<Fleet, 'rollout'>, log: Log): HelmSettings | undefined {
  const { helm = true, charts } = rollout;
  return helm ? { log, ...(charts === undefined ? {} : { charts }) } : undefined;
}
