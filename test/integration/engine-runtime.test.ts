import { createEngineRuntime } from '../../src/runtime/index.ts';
import { workloadRuntimeContract } from '../contract/workload-runtime.ts';
import { podmanScratch, SERVE } from './engine-images.ts';

for (const network of ['host', 'bridge'] as const) {
  workloadRuntimeContract(`podman, ${network} network`, async () => {
    const scratch = await podmanScratch();
    if ('skip' in scratch) return scratch;
    const first = await scratch.image('first', 'one', SERVE);
    const second = await scratch.image('second', 'two', SERVE);
    const broken = await scratch.image('broken', 'no', [
      '/bin/busybox',
      'sh',
      '-c',
      'echo cannot read config >&2; exit 3',
    ]);
    const digest = `sha256:${'0'.repeat(64)}` as const;
    const runtime = createEngineRuntime({ command: 'podman', engineArguments: scratch.arguments, grace: 2000 });
    const close = async (): Promise<void> => {
      await runtime.dismantle('contract');
      await runtime.close();
      await scratch.close();
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
