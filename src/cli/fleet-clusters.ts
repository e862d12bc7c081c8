import type { Log } from '../base/index.ts';
import type { Fleet, VerifyCluster } from '../recipe/index.ts';
import type { ClusterOptions } from '../runtime/index.ts';
import type { KubernetesRunnerOptions } from '../verify/index.ts';
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

/** Where tests run, by the cluster of the fleet that is named, or else as kubectl finds one. */
export function testClusterOptions(
  { cluster, registry: _, ...tests }: VerifyCluster,
  { document, directory }: { readonly document: Pick<Fleet, 'clusters'>; readonly directory: string },
): KubernetesRunnerOptions {
  const named = document.clusters?.find(({ name }) => name === cluster);
  return {
    ...(named === undefined ? {} : clusterOptions({ ...named, namespaces: [tests.namespace] }, directory)),
    ...tests,
  };
}
