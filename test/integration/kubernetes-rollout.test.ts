import { readFile } from 'node:fs/promises';
import { kubernetesRolloutContract } from '../contract/kubernetes-rollout.ts';
import { startKubernetesApi } from '../fixtures/kubernetes-api/server.ts';
import { findBinaries } from '../support/control-plane/binaries.ts';
import { startControlPlane } from '../support/control-plane.ts';

const behaviour = (image: string) => {
  const name = image.split('@')[0] ?? '';
  if (name.endsWith('-crash')) return 'crash';
  return name.endsWith('-unready') ? 'unready' : 'ready';
};

kubernetesRolloutContract('peer', async () => {
  const api = await startKubernetesApi(behaviour);
  const { clusters } = JSON.parse(await readFile(api.kubeconfig, 'utf8')) as {
    clusters: [{ cluster: { server: string } }];
  };
  const [{ cluster }] = clusters;
  return {
    kubeconfig: api.kubeconfig,
    pace: { look: 20, drain: 10 },
    call: async (method, path, body, contentType = 'application/json') => {
      const answer = await fetch(new URL(path, cluster.server), {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
      });
      return { status: answer.status, body: await answer.json() };
    },
    close: async () => await api.close(),
  };
});

kubernetesRolloutContract('control plane', async () => {
  const binaries = await findBinaries();
  if (typeof binaries === 'string') return { skip: binaries };
  const plane = await startControlPlane(binaries);
  return { kubeconfig: plane.kubeconfig, call: plane.api.call, close: async () => await plane.close() };
});
