import { readFile } from 'node:fs/promises';
import { type Digest, isDigest } from '../../oci/index.ts';
import type { ListenAddress } from '../front/index.ts';
import type { HealthCheck } from '../port.ts';
import type { CreateBody } from './api-types.ts';
import { loopbackBindings } from './clone.ts';
import { freePort } from './free-port.ts';
import { Label } from './labels.ts';

/** N equal containers behind one front. */
export interface WorkloadGroup {
  readonly name: string;
  /** Reference the engine can pull; with digest where the outcome of `list` should know it at once. */
  readonly image: string;
  readonly replicas: number;
  /** Container port that serves; undefined for a workload nobody connects to. */
  readonly port?: number;
  /** Address of the front; port 0 chooses a free one, which is then written on the containers. */
  readonly listen?: ListenAddress;
  readonly protocol?: 'http' | 'tcp';
  readonly health?: HealthCheck;
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  /** `host` needs `portVariable`: the program takes its port from there. `bridge` by default. */
  readonly network?: string;
  readonly portVariable?: string;
  /** Further HostConfig members of the Docker API. */
  readonly hostConfig?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What engines ask for by default; a process that may have less cannot start a container with more. */
const DEFAULT_LIMIT = 1_048_576;
/** Enough for a service, and what runc may set even where the session's own hard limit is refused to it. */
const MODEST_LIMIT = 16_384;

/** The hard limits of this process where they are below what an engine would set, as a container's ulimits. */
export async function hostUlimits(): Promise<readonly { Name: string; Soft: number; Hard: number }[]> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limits: { Name: string; Soft: number; Hard: number }[] = [];
  for (const [title, name] of [
    ['Max open files', 'nofile'],
    ['Max processes', 'nproc'],
  ] as const) {
    const hard = new RegExp(`^${title}\\s+\\S+\\s+(\\d+)`, 'm').exec(text)?.[1];
    if (hard === undefined || Number(hard) >= DEFAULT_LIMIT) continue;
    const limit = Math.min(Number(hard), MODEST_LIMIT);
    limits.push({ Name: name, Soft: limit, Hard: limit });
  }
  return limits;
}

export async function groupBody(
  group: WorkloadGroup,
  replica: number,
  listen: ListenAddress | undefined,
): Promise<CreateBody> {
  const digest = group.image.split('@')[1];
  const hostPort = group.portVariable === undefined || group.port === undefined ? undefined : await freePort();
  const environment: Record<string, string> = { ...group.environment };
  if (hostPort !== undefined) environment[group.portVariable as string] = String(hostPort);
  const labels: Record<string, string> = {
    ...group.labels,
    [Label.workload]: group.name,
    [Label.replica]: String(replica),
    [Label.reference]: group.image,
  };
  if (digest !== undefined && isDigest(digest)) labels[Label.digest] = digest satisfies Digest;
  if (group.port !== undefined) labels[Label.port] = String(group.port);
  if (hostPort !== undefined)
    Object.assign(labels, { [Label.portVariable]: group.portVariable, [Label.hostPort]: String(hostPort) });
  if (listen !== undefined)
    labels[Label.listen] = `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`;
  if (group.protocol !== undefined) labels[Label.protocol] = group.protocol;
  if (group.health !== undefined) labels[Label.health] = JSON.stringify(group.health);
  const ulimits = await hostUlimits();
  const publish = group.port !== undefined && hostPort === undefined && group.network !== 'host';
  return {
    Image: group.image,
    Labels: labels,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...(group.command === undefined ? {} : { Cmd: group.command }),
    ...(publish ? { ExposedPorts: { [`${group.port}/tcp`]: {} } } : {}),
    HostConfig: {
      ...(ulimits.length === 0 ? {} : { Ulimits: ulimits }),
      ...(group.network === undefined ? {} : { NetworkMode: group.network }),
      ...(publish ? { PortBindings: loopbackBindings([group.port as number]) } : {}),
      ...group.hostConfig,
    },
  };
}
