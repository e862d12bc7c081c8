import { parseDigest } from '../../src/oci/index.ts';
import { createKubernetesRuntime } from '../../src/runtime/index.ts';
import { type ImageUnderTest, workloadRuntimeContract } from '../contract/workload-runtime.ts';
import { created, eventually, openTestCluster } from '../support/cluster.ts';
import { PLAYED_IMAGES } from '../support/played-images.ts';

const read = (reference: string): ImageUnderTest => ({
  image: reference,
  digest: parseDigest(reference.slice(reference.lastIndexOf('@') + 1)),
});

/**
 * The contract against a real cluster, in a namespace of its own that is removed afterwards. A cluster with kubelets must be
 * able to pull three images, given as `HERAKLIT_TEST_CLUSTER_IMAGES=GOOD@DIGEST,GOOD@DIGEST,BROKEN@DIGEST`.
 */
workloadRuntimeContract('kubernetes cluster', async () => {
  const cluster = await openTestCluster();
  if ('skip' in cluster) return cluster;
  const { api, namespace, kubeconfig } = cluster;
  const named = process.env.HERAKLIT_TEST_CLUSTER_IMAGES?.split(',');
  const [first, second, broken] = (named ?? PLAYED_IMAGES).map(read);
  if (first === undefined || second === undefined || broken === undefined || (!named && cluster.nodes !== 'played')) {
    await cluster.close();
    return { skip: 'HERAKLIT_TEST_CLUSTER_IMAGES not set' };
  }
  const labels = { app: 'contract' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'contract', image: first.image }] } };
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  await created(api, deployments, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'contract' },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  });
  await eventually(
    async () => (await api.call('GET', `${deployments}/contract`)).body.status,
    (status) => status?.availableReplicas === 2,
  );
  const runtime = createKubernetesRuntime({ kubeconfig, namespaces: [namespace] });
  const zero = `sha256:${'0'.repeat(64)}` as const;
  return {
    runtime,
    workload: 'contract',
    first,
    second,
    broken,
    missing: { image: `${first.image.slice(0, first.image.lastIndexOf('@'))}@${zero}`, digest: zero },
    deadline: 60_000,
    // A container has to end more than once until it is in CrashLoopBackOff, and to wait between.
    ...(named === undefined ? {} : { failing: 60_000 }),
    close: async () => {
      await runtime.close();
      await cluster.close();
    },
  };
});
