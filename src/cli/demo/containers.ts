import { join } from 'node:path';
import { createEngineRuntime, type EngineRuntime } from '../../runtime/index.ts';
import { type Sender, sendRequests } from './requests.ts';

/** What the demo runs: two services behind the front of the engine host. */
const GROUPS = [
  { name: 'demo-storefront', image: 'storefront', path: '/healthz' },
  { name: 'demo-shop-api', image: 'shop-api', path: '/' },
] as const;
const REPLICAS = 2;
const PORT = 8080;

export interface DemoContainers {
  readonly runtime: EngineRuntime;
  /** Stops sending requests. @returns what was sent and what failed */
  finish(): Promise<Traffic>;
  /** Removes every container the demo started. */
  close(): Promise<void>;
}

export interface Traffic {
  readonly requests: number;
  readonly failed: number;
  readonly containers: number;
  readonly firstFailure: string | undefined;
}

/** Options that keep the demo's containers apart from the user's own. */
function storageOf(folder: string, runtime: readonly string[]): readonly string[] {
  const root = join(folder, 'containers');
  return [...runtime, '--root', join(root, 'storage'), '--runroot', join(root, 'run'), '--storage-driver', 'overlay'];
}

/** Why no container can be run here, or the running services with traffic on them. */
export async function startContainers(
  folder: string,
  registryHost: string,
  digests: ReadonlyMap<string, string>,
): Promise<DemoContainers | string> {
  let reason = 'no engine was tried';
  // runc where the engine's default runtime refuses this machine's control groups.
  for (const choice of [['--runtime', 'runc'], []]) {
    const runtime = createEngineRuntime({
      command: 'podman',
      engineArguments: storageOf(folder, choice),
      grace: 5_000,
    });
    const unavailable = await runtime.unavailable();
    if (unavailable !== undefined) {
      await runtime.close?.();
      return unavailable;
    }
    try {
      return await launch(runtime, registryHost, digests);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
      await dismantle(runtime);
    }
  }
  return reason;
}

async function launch(
  runtime: EngineRuntime,
  registryHost: string,
  digests: ReadonlyMap<string, string>,
): Promise<DemoContainers> {
  const senders: Sender[] = [];
  for (const { name, image, path } of GROUPS) {
    const launched = await runtime.launch({
      name,
      image: `${registryHost}/${image}@${digests.get(image) ?? ''}`,
      replicas: REPLICAS,
      port: PORT,
      listen: { host: '127.0.0.1', port: 0 },
      protocol: 'http',
      health: { kind: 'http', path },
      network: 'bridge',
    });
    const address = launched.front?.address;
    if (address !== undefined) senders.push(sendRequests(`http://${address.host}:${address.port}${path}`));
  }
  return {
    runtime,
    async finish() {
      const sent = await Promise.all(senders.map((sender) => sender.stop()));
      return {
        requests: sent.reduce((sum, one) => sum + one.requests, 0),
        failed: sent.reduce((sum, one) => sum + one.failed, 0),
        firstFailure: sent.find((one) => one.firstFailure !== undefined)?.firstFailure,
        containers: GROUPS.length * REPLICAS,
      };
    },
    close: () => dismantle(runtime),
  };
}

async function dismantle(runtime: EngineRuntime): Promise<void> {
  for (const { name } of GROUPS) await runtime.dismantle(name).catch(() => undefined);
  await runtime.close?.();
}
