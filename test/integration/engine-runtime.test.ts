import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDigest } from '../../src/oci/index.ts';
import { createEngineRuntime } from '../../src/runtime/index.ts';
import { type ImageUnderTest, workloadRuntimeContract } from '../contract/workload-runtime.ts';
import { type PodmanScratch, podmanScratch, SERVE } from './engine-images.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

/** Only in a registry: the engine has to pull it by digest. */
async function pushed(scratch: PodmanScratch, registry: TestRegistry, local: ImageUnderTest): Promise<ImageUnderTest> {
  const repository = `${registry.host}/${local.image.split('/')[1]?.split('@')[0]}`;
  const file = join(scratch.directory, 'digest');
  await scratch.podman(
    'push',
    '--quiet',
    '--tls-verify=false',
    '--digestfile',
    file,
    local.image,
    `docker://${repository}:1`,
  );
  await scratch.podman('rmi', '--force', local.image);
  const digest = parseDigest((await readFile(file, 'utf8')).trim());
  return { image: `${repository}@${digest}`, digest };
}

for (const [network, from] of [
  ['host', 'storage'],
  ['bridge', 'storage'],
  ['bridge', 'registry'],
] as const) {
  workloadRuntimeContract(`podman, ${network} network, images from ${from}`, async () => {
    const scratch = await podmanScratch();
    if ('skip' in scratch) return scratch;
    const registry = await startRegistry();
    const image = async (...given: Parameters<PodmanScratch['image']>): Promise<ImageUnderTest> => {
      const local = await scratch.image(...given);
      return from === 'registry' ? await pushed(scratch, registry, local) : local;
    };
    const first = await image('first', 'one', SERVE);
    const second = await image('second', 'two', SERVE);
    const broken = await image('broken', 'no', ['/bin/busybox', 'sh', '-c', 'echo cannot read config >&2; exit 3']);
    const digest = `sha256:${'0'.repeat(64)}` as const;
    const runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 2000 });
    const close = async (): Promise<void> => {
      await runtime.dismantle('contract');
      await runtime.close();
      await scratch.close();
      await registry.close();
    };
    const launched = runtime.launch({
      name: 'contract',
      image: first.image,
      replicas: 2,
      port: 8080,
      listen: { host: '127.0.0.1', port: 0 },
      network,
      health: { kind: 'http', path: '/index.html' },
      ...(network === 'host' ? { portVariable: 'PORT' } : { environment: { PORT: '8080' } }),
    });
    await launched.catch(async (error: unknown) => {
      await close();
      throw error;
    });
    return {
      runtime,
      workload: 'contract',
      first,
      second,
      broken,
      missing: { image: `127.0.0.1:9/nobody/nothing@${digest}`, digest },
      deadline: 20_000,
      close,
    };
  });
}
