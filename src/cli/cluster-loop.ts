import { resolve } from 'node:path';
import { messageOf } from '../base/index.ts';
import type { WatchedCluster } from '../crawl/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { FleetCluster } from '../recipe/index.ts';
import type { ClusterOptions } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { isClusterNear, type RuntimeOptions } from './runtimes.ts';

/** How a cluster of the fleet file is reached. */
export function clusterOptions(
  { name, kubeconfig, context, namespaces }: FleetCluster,
  directory: string,
): ClusterOptions {
  return {
    name,
    ...(kubeconfig === undefined ? {} : { kubeconfig: resolve(directory, kubeconfig) }),
    ...(context === undefined ? {} : { context }),
    ...(namespaces === undefined ? {} : { namespaces }),
  };
}

/** Keeps the workloads known of the fleet file's clusters, or of the one that options and surroundings name. */
export async function keepClustersWatched(
  fleet: Pick<LoadedFleet, 'document' | 'directory'> | undefined,
  options: RuntimeOptions,
  database: Database,
  context: CliContext,
): Promise<void> {
  const { watchWorkloads } = await import('../crawl/index.ts');
  const clusters = fleet?.document.clusters;
  const watched =
    fleet === undefined || clusters === undefined
      ? await nearCluster(options, context)
      : clusters.map((cluster) => watchedCluster(clusterOptions(cluster, fleet.directory), cluster.name));
  await watchWorkloads(watched, { database, log: context.log, signal: context.signal });
}

function watchedCluster(options: ClusterOptions, name: string): WatchedCluster {
  return {
    name: `kubernetes:${name}`,
    namespaces: options.namespaces,
    open: async () => {
      const { openClusterInventory } = await import('../runtime/index.ts');
      return await openClusterInventory(options);
    },
  };
}

/** Called by its context, as the rollout calls it. */
async function nearCluster(options: RuntimeOptions, { log }: CliContext): Promise<readonly WatchedCluster[]> {
  if (!isClusterNear(options)) return [];
  const { openClusterInventory } = await import('../runtime/index.ts');
  const { kubeconfig, context, namespace: namespaces } = options;
  const near: ClusterOptions = {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespaces === undefined ? {} : { namespaces }),
  };
  try {
    const { prefix, close } = await openClusterInventory(near);
    close();
    return [watchedCluster(near, prefix.slice('kubernetes:'.length, -1))];
  } catch (error) {
    log.warn(`no cluster is watched: ${messageOf(error)}`);
    return [];
  }
}
