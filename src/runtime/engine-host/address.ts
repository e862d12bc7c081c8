import type { ContainerInspect } from './api-types.ts';
import { Label } from './labels.ts';
import { labelsOf } from './replica.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A port on all addresses of the engine's host. */
export const ANY_HOST = '0.0.0.0';

/** The same on that host itself. */
export const onHost = ({ host, port }: Address): Address => ({ host: host === ANY_HOST ? '127.0.0.1' : host, port });

/** Where a container's port is, as its host sees it; undefined when it is nowhere. */
export function publishedAt(container: ContainerInspect, port: number | undefined): Address | undefined {
  const labels = labelsOf(container);
  const main = Number(labels[Label.port] ?? 0);
  const wanted = port ?? main;
  if (labels[Label.hostPort] !== undefined && (wanted === main || port === undefined)) {
    return { host: '127.0.0.1', port: Number(labels[Label.hostPort]) };
  }
  if (!(wanted > 0)) return undefined;
  if (container.HostConfig.NetworkMode === 'host') return { host: ANY_HOST, port: wanted };
  const binding = container.NetworkSettings?.Ports?.[`${wanted}/tcp`]?.find(({ HostPort }) => Number(HostPort) > 0);
  if (binding !== undefined) {
    const any =
      binding.HostIp === undefined || binding.HostIp === '' || binding.HostIp === '0.0.0.0' || binding.HostIp === '::';
    return { host: any ? ANY_HOST : (binding.HostIp as string), port: Number(binding.HostPort) };
  }
  const own =
    container.NetworkSettings?.IPAddress ||
    Object.values(container.NetworkSettings?.Networks ?? {}).find(({ IPAddress }) => IPAddress)?.IPAddress;
  return own === undefined || own === '' ? undefined : { host: own, port: wanted };
}

/** Where a container's port is reached on the host of a local engine; an engine elsewhere answers `EngineApi.reach`. */
export function addressOf(container: ContainerInspect, port: number | undefined): Address | undefined {
  const address = publishedAt(container, port);
  return address === undefined ? undefined : onHost(address);
}
