import type { Digest } from '../../oci/index.ts';
import { isDigest } from '../../oci/index.ts';
import type { HealthCheck } from '../port.ts';

/** Labels are the whole memory of a rollout on an engine host: a killed one is continued from what they say. */
export const Label = {
  workload: 'io.heraklit.workload',
  /** 1…N inside the workload. */
  replica: 'io.heraklit.replica',
  /** Manifest digest of the image the container was made from. */
  digest: 'io.heraklit.digest',
  /** Image reference with digest, as asked for. */
  reference: 'io.heraklit.reference',
  /** What ran there before: to go back to after a crash. */
  previous: 'io.heraklit.previous',
  /** How a compose file names the image, which the engine knows by its digest now. */
  composeImage: 'io.heraklit.compose-image',
  /** Container port that serves. */
  port: 'io.heraklit.port',
  /** Environment variable the program takes its port from (host networking). */
  portVariable: 'io.heraklit.port-variable',
  /** The port given in that variable. */
  hostPort: 'io.heraklit.host-port',
  /** `host:port` of the front. */
  listen: 'io.heraklit.listen',
  protocol: 'io.heraklit.protocol',
  /** JSON of a HealthCheck. */
  health: 'io.heraklit.health',
  /** `recreate`: two copies must never run at once. */
  replace: 'io.heraklit.replace',
  /** `<pid>:<start time>:<machine>` of the process that owns a throw-away container. */
  owner: 'io.heraklit.owner',
  /** Id of the container that a debug container looks into. */
  debug: 'io.heraklit.debug',
  /** Seconds since the epoch when its owner is done with it, whatever happens. */
  deadline: 'io.heraklit.deadline',
} as const;

export type Labels = Readonly<Record<string, string>>;

export function digestLabel(labels: Labels): Digest | undefined {
  const text = labels[Label.digest];
  return text !== undefined && isDigest(text) ? text : undefined;
}

/** Foreign text: anything that is not a health check of ours reads as undefined. */
export function healthLabel(labels: Labels): HealthCheck | undefined {
  try {
    const read = JSON.parse(labels[Label.health] ?? 'null') as Partial<HealthCheck> | null;
    if (read === null || !['http', 'tcp', 'running'].includes(String(read.kind))) return undefined;
    return read as HealthCheck;
  } catch {
    return undefined;
  }
}

/** `host:port` or `[v6]:port`. */
export function listenLabel(labels: Labels): { host: string; port: number } | undefined {
  const match = /^(.+):(\d{1,5})$/.exec(labels[Label.listen] ?? '');
  if (match === null) return undefined;
  return { host: (match[1] as string).replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]) };
}
