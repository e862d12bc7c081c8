import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { openClusterInventory } from '../../src/runtime/index.ts';
import { clusterInventoryContract } from '../contract/cluster-inventory.ts';
import { startKubernetesApi } from '../fixtures/kubernetes-api/server.ts';
import { created } from '../support/cluster.ts';
import { openApi } from '../support/control-plane/api.ts';

clusterInventoryContract('kubernetes peer', async () => {
  const peer = await startKubernetesApi(() => 'ready');
  const api = await openApi(peer.kubeconfig);
  const namespace = 'shop';
  await created(api, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  return {
    api,
    kubeconfig: peer.kubeconfig,
    namespace,
    starts: true,
    cronJobs: true,
    close: async () => {
      api.close();
      await peer.close();
    },
  };
});

test('a token that is refused is read anew: from its file, from a plug-in, from the kubeconfig', async () => {
  const peer = await startKubernetesApi(() => 'ready');
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-token-'));
  try {
    const { server } = JSON.parse(await readFile(peer.kubeconfig, 'utf8')).clusters[0].cluster;
    const kubeconfig = join(folder, 'config');
    const write = async (user: object): Promise<void> =>
      await writeFile(
        kubeconfig,
        JSON.stringify({
          clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
          users: [{ name: 'u', user }],
          contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'c',
        }),
      );
    const file = join(folder, 'token');
    const plugin = join(folder, 'plugin');
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `process.stdout.write(require('fs').readFileSync(${JSON.stringify(plugin)}, 'utf8'))`],
    };
    const credential = (token: string): string => JSON.stringify({ kind: 'ExecCredential', status: { token } });
    const forms: readonly (readonly [(token: string) => Promise<void>, () => Promise<void>])[] = [
      [(token) => writeFile(file, `${token}\n`), () => write({ tokenFile: 'token' })],
      [(token) => writeFile(plugin, credential(token)), () => write({ exec })],
      [(token) => write({ token }), async () => undefined],
    ];
    for (const [renew, use] of forms) {
      peer.expectToken('first');
      await renew('first');
      await use();
      const inventory = await openClusterInventory({ kubeconfig });
      assert.deepEqual(await inventory.observe(), []);
      peer.expectToken('second');
      await assert.rejects(
        inventory.observe(),
        (error) => isHeraklitError(error, 'KUBERNETES_LOGIN_REFUSED') && /expired/.test(error.hint ?? ''),
      );
      await renew('second');
      assert.deepEqual(await inventory.observe(), []);
      inventory.close();
    }
  } finally {
    await peer.close();
    await rm(folder, { recursive: true, force: true });
  }
});
