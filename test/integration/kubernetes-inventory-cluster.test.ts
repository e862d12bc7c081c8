import { clusterInventoryContract } from '../contract/cluster-inventory.ts';
import { openTestCluster } from '../support/cluster.ts';

/** The same on a real API server, where one is named or can be started (docs/testing-on-kubernetes.md). */
clusterInventoryContract('kubernetes cluster', async () => {
  const cluster = await openTestCluster();
  if ('skip' in cluster) return cluster;
  const { status } = await cluster.api.call('GET', '/apis/batch/v1/cronjobs?limit=1');
  return { ...cluster, starts: cluster.nodes === 'played', cronJobs: status === 200 };
});
