import { kubernetesRolloutContract } from '../contract/kubernetes/index.ts';
import { startKubernetesApi } from '../fixtures/kubernetes-api/server.ts';
import { openTestCluster } from '../support/cluster.ts';
import { define } from '../support/control-plane/definitions.ts';

const behaviour = (image: string) => {
  const name = image.split('@')[0] ?? '';
  if (name.endsWith('-crash')) return 'crash';
  return name.endsWith('-unready') ? 'unready' : 'ready';
};

kubernetesRolloutContract('peer', async () => {
  const api = await startKubernetesApi(behaviour);
  return {
    kubeconfig: api.kubeconfig,
    pace: { look: 20, drain: 10 },
    call: async (method, path, body, contentType = 'application/json') => {
      const answer = await fetch(new URL(path, api.server), {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
      });
      return { status: answer.status, body: await answer.json() };
    },
    install: async (kind) => api.install(kind),
    close: async () => await api.close(),
  };
});

/** Pods get ready by what their images are called, so nodes must be played: docs/testing-on-kubernetes.md. */
kubernetesRolloutContract('kubernetes cluster', async () => {
  const cluster = await openTestCluster();
  if ('skip' in cluster) return cluster;
  const { kubeconfig, api, close } = cluster;
  const { minor } = (await api.call('GET', '/version')).body as { minor: string };
  // Built by a Go newer than its own, an older API server ends when a definition is made.
  const install = Number.parseInt(minor, 10) < 24 ? undefined : (kind: string) => define(api.call, kind);
  if (cluster.nodes === 'played') return { kubeconfig, call: api.call, install, close };
  await close();
  return { skip: 'HERAKLIT_TEST_CONTROL_PLANE not set' };
});
