/** `node rollout-child.ts KUBECONFIG NAMESPACE IMAGE@DIGEST`: a canary that is held at its second step until somebody ends it. */
import { parseDigest } from '../../src/oci/index.ts';
import { createKubernetesRuntime } from '../../src/runtime/index.ts';

const [kubeconfig = '', namespace = '', image = ''] = process.argv.slice(2);
const runtime = createKubernetesRuntime({ kubeconfig, namespaces: [namespace], pace: { look: 50, drain: 50 } });
const workload = (await runtime.list()).find(({ name }) => name === 'web');
if (workload === undefined) throw new Error('there is no workload web');
await runtime.rollout({
  workload,
  image,
  digest: parseDigest(image.slice(image.lastIndexOf('@') + 1)),
  deadline: 60_000,
  strategy: { kind: 'canary', steps: [{ weight: 20 }, { weight: 50 }] },
  control: {
    stepReached: async ({ index }) => {
      if (index === 0) return { kind: 'go' };
      process.stdout.write('held\n');
      return await new Promise(() => {});
    },
    revoked: async () => undefined,
  },
});
