import { randomUUID } from 'node:crypto';
import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { parseDigest } from '../../src/oci/index.ts';
import { createKubernetesRuntime } from '../../src/runtime/index.ts';
import { type ImageUnderTest, workloadRuntimeContract } from '../contract/workload-runtime.ts';

const read = (reference: string): ImageUnderTest => ({
  image: reference,
  digest: parseDigest(reference.slice(reference.lastIndexOf('@') + 1)),
});

/**
 * The contract against a real cluster, in a namespace of its own that is removed afterwards. The cluster must be able to
 * pull three images, given as `HERAKLIT_TEST_CLUSTER_IMAGES=GOOD@DIGEST,GOOD@DIGEST,BROKEN@DIGEST`.
 */
workloadRuntimeContract('kubernetes cluster', async () => {
  if (process.env.KUBECONFIG === undefined) return { skip: 'KUBECONFIG not set' };
  const images = process.env.HERAKLIT_TEST_CLUSTER_IMAGES?.split(',').map(read) ?? [];
  const [first, second, broken] = images;
  if (first === undefined || second === undefined || broken === undefined) {
    return { skip: 'HERAKLIT_TEST_CLUSTER_IMAGES not set' };
  }
  const config = new KubeConfig();
  config.loadFromDefault();
  const core = config.makeApiClient(CoreV1Api);
  const namespace = `heraklit-test-${randomUUID().slice(0, 8)}`;
  await core.createNamespace({ body: { metadata: { name: namespace } } });
  const labels = { app: 'contract' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'contract', image: first.image }] } };
  await config.makeApiClient(AppsV1Api).createNamespacedDeployment({
    namespace,
    body: { metadata: { name: 'contract' }, spec: { replicas: 2, selector: { matchLabels: labels }, template } },
  });
  const runtime = createKubernetesRuntime({ namespaces: [namespace] });
  const zero = `sha256:${'0'.repeat(64)}` as const;
  return {
    runtime,
    workload: 'contract',
    first,
    second,
    broken,
    missing: { image: `${first.image.slice(0, first.image.lastIndexOf('@'))}@${zero}`, digest: zero },
    deadline: 60_000,
    close: async () => {
      await core.deleteNamespace({ name: namespace });
      await runtime.close();
    },
  };
});
