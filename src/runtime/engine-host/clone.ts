import type { ContainerConfig, ContainerInspect, CreateBody, EndpointSettings, ImageInspect } from './api-types.ts';
import { Label, type Labels } from './labels.ts';

/** HostConfig members that describe how a container was asked for; the rest of an inspection describes what it became. */
const HOST_MEMBERS = [
  'AutoRemove Binds BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps CapAdd CapDrop CgroupParent CgroupnsMode CpuPeriod CpuQuota CpuRealtimePeriod',
  'CpuRealtimeRuntime CpuShares CpusetCpus CpusetMems DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch',
  'ExtraHosts GroupAdd Init IpcMode Links LogConfig Memory MemoryReservation MemorySwap MemorySwappiness Mounts NanoCpus',
  'NetworkMode OomKillDisable OomScoreAdj PidMode PidsLimit PortBindings Privileged PublishAllPorts ReadonlyRootfs',
  'RestartPolicy Runtime SecurityOpt ShmSize StorageOpt Sysctls Tmpfs Ulimits UTSMode UsernsMode VolumeDriver VolumesFrom',
]
  .join(' ')
  .split(' ');

/** Environment podman adds to every container by itself. */
const PODMAN_ENVIRONMENT =
  /^(?:container=|TERM=xterm$|HOME=\/(?:root)?$|PATH=\/usr\/local\/sbin:\/usr\/local\/bin:\/usr\/sbin:\/usr\/bin:\/sbin:\/bin$)/;
const DEFAULT_NETWORKS = new Set(['bridge', 'podman', 'host', 'none', 'default', 'nat']);

export interface CloneTarget {
  readonly engine: 'podman' | 'docker';
  /** What the engine resolves: a reference with digest, or an image id. */
  readonly image: string;
  /** Set or replaced; undefined removes. */
  readonly labels: Readonly<Record<string, string | undefined>>;
  /** Environment variables set or replaced. */
  readonly environment?: Readonly<Record<string, string>>;
  /** False: its names in networks stay with the old one for now; see `namesOf`. */
  readonly aliases?: boolean;
  /** Container ports published on a port of 127.0.0.1 that the engine chooses, instead of what was published. */
  readonly loopbackPorts?: readonly number[];
}

export interface Clone {
  readonly body: CreateBody;
  /** Networks to join after creation: API versions before 1.44 take only one at creation. */
  readonly further: readonly (readonly [network: string, endpoint: EndpointSettings])[];
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const list = (value: readonly string[] | string | null | undefined): readonly string[] =>
  value === null || value === undefined ? [] : typeof value === 'string' ? [value] : value;

function isDefault(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function without<T>(
  from: Readonly<Record<string, T>> | null | undefined,
  image: Readonly<Record<string, T>> | null | undefined,
) {
  return Object.fromEntries(Object.entries(from ?? {}).filter(([name, value]) => !same(image?.[name], value)));
}

function environmentOf(container: ContainerInspect, image: ContainerConfig, target: CloneTarget): string[] {
  const fromImage = new Set(image.Env ?? []);
  const set = target.environment ?? {};
  const kept = (container.Config.Env ?? []).filter((entry) => {
    const name = entry.slice(0, entry.indexOf('='));
    if (fromImage.has(entry) || name in set) return false;
    if (name === 'HOSTNAME' && entry.slice(9) === container.Config.Hostname) return false;
    if (target.engine !== 'podman') return true;
    return !PODMAN_ENVIRONMENT.test(entry) && entry !== `HOME=${container.Config.WorkingDir}`;
  });
  return [...kept, ...Object.entries(set).map(([name, value]) => `${name}=${value}`)];
}

function ownIdentity({ Config, HostConfig, Id }: ContainerInspect, image: ContainerConfig): ContainerConfig {
  const given = Config.Hostname ?? '';
  const hostname = !Id.startsWith(given) && HostConfig.NetworkMode !== 'host' ? { Hostname: given } : {};
  const domain = Config.Domainname === undefined ? {} : { Domainname: Config.Domainname };
  const user = Config.User === undefined || Config.User === image.User ? {} : { User: Config.User };
  return { ...hostname, ...domain, ...user };
}

function ownSignal({ Config }: ContainerInspect, image: ContainerConfig): ContainerConfig {
  const plain = image.StopSignal === undefined && /^(?:15|SIGTERM)?$/.test(Config.StopSignal ?? '');
  return {
    ...(plain || Config.StopSignal === image.StopSignal ? {} : { StopSignal: Config.StopSignal ?? '' }),
    ...(isDefault(Config.StopTimeout) ? {} : { StopTimeout: Config.StopTimeout ?? 0 }),
  };
}

/** What the container itself sets, over what its old image gave it: the new image may give something else. */
function configOf(container: ContainerInspect, image: ContainerConfig, target: CloneTarget): ContainerConfig {
  const { Config } = container;
  const entrypoint = list(Config.Entrypoint);
  const labels = { ...without(Config.Labels, image.Labels), ...target.labels };
  const candidate: ContainerConfig = {
    ...ownIdentity(container, image),
    ...(Config.Tty === true ? { Tty: true } : {}),
    ...(Config.OpenStdin === true ? { OpenStdin: true } : {}),
    Env: environmentOf(container, image, target),
    ...(same(list(Config.Cmd), list(image.Cmd)) ? {} : { Cmd: list(Config.Cmd) }),
    ...(same(entrypoint, list(image.Entrypoint)) ? {} : { Entrypoint: entrypoint }),
    ...(Config.WorkingDir === (image.WorkingDir || '/') ? {} : { WorkingDir: Config.WorkingDir ?? '' }),
    ExposedPorts: without(Config.ExposedPorts, image.ExposedPorts),
    Volumes: without(Config.Volumes, image.Volumes),
    ...ownSignal(container, image),
    ...(same(Config.Healthcheck ?? null, image.Healthcheck ?? null) ? {} : { Healthcheck: Config.Healthcheck ?? null }),
  };
  const pruned = Object.entries(candidate).filter(([, value]) => !isDefault(value));
  return {
    ...Object.fromEntries(pruned),
    Labels: Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)) as Labels,
  };
}

/** As compose asks for `volumes: [ /data ]`: a volume without a name. */
const isAnonymous = ({ Type, Source }: { readonly Type?: string; readonly Source?: string }): boolean =>
  Type === 'volume' && (Source ?? '') === '';

/** Volumes the engine made for an image's `VOLUME`: their data stays with the workload. */
function anonymousVolumes(container: ContainerInspect): string[] {
  const { Binds, Mounts } = container.HostConfig;
  const named = new Set([
    ...(Binds ?? []).map((bind) => bind.split(':')[1]),
    ...(Mounts ?? []).filter((mount) => !isAnonymous(mount)).map(({ Target }) => Target),
  ]);
  return (container.Mounts ?? [])
    .filter(({ Type, Destination, Name }) => Type === 'volume' && Name !== undefined && !named.has(Destination))
    .map(({ Name, Destination, RW }) => `${Name}:${Destination}${RW === false ? ':ro' : ''}`);
}

function hostConfigOf(container: ContainerInspect, target: CloneTarget): Record<string, unknown> {
  const taken = Object.fromEntries(
    HOST_MEMBERS.map((name) => [name, container.HostConfig[name]] as const).filter(([, value]) => !isDefault(value)),
  );
  const podman = target.engine === 'podman';
  for (const name of ['IpcMode', 'PidMode', 'UTSMode']) {
    if (taken[name] === 'private' || (podman && taken[name] === 'shareable')) delete taken[name];
  }
  // Podman reports `oci` and `json-file` whatever it was asked for.
  if (podman) for (const name of ['Runtime', 'LogConfig']) delete taken[name];
  // They are asked for by the names they have got.
  const mounts = (taken.Mounts as readonly { Type?: string; Source?: string }[] | undefined)?.filter(
    (mount) => !isAnonymous(mount),
  );
  if (mounts?.length === 0) delete taken.Mounts;
  else if (mounts !== undefined) taken.Mounts = mounts;
  const ulimits = taken.Ulimits as readonly { Name: string }[] | undefined;
  const binds = [...((taken.Binds as readonly string[] | undefined) ?? []), ...anonymousVolumes(container)];
  return {
    ...taken,
    ...(binds.length === 0 ? {} : { Binds: binds }),
    ...(ulimits === undefined
      ? {}
      : { Ulimits: ulimits.map((limit) => ({ ...limit, Name: limit.Name.replace(/^RLIMIT_/, '').toLowerCase() })) }),
    ...(target.loopbackPorts === undefined ? {} : { PortBindings: loopbackBindings(target.loopbackPorts) }),
  };
}

export function loopbackBindings(
  ports: readonly number[],
): Record<string, readonly { HostIp: string; HostPort: string }[]> {
  return Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '' }]]));
}

/** The networks a container was put into, with what it was given there; not the engine's own ones. */
function networksOf(container: ContainerInspect): (readonly [string, EndpointSettings])[] {
  if (String(container.HostConfig.NetworkMode).startsWith('container:')) return [];
  return Object.entries(container.NetworkSettings?.Networks ?? {})
    .filter(([name]) => !DEFAULT_NETWORKS.has(name))
    .map(([name, { Aliases, IPAMConfig }]) => {
      const aliases = (Aliases ?? []).filter((alias) => !container.Id.startsWith(alias));
      const address = isDefault(IPAMConfig) ? {} : { IPAMConfig: IPAMConfig ?? null };
      return [name, { ...(aliases.length === 0 ? {} : { Aliases: aliases }), ...address }] as const;
    });
}

/**
 * Networks in which others find a container by names that its successor gets too. Both would answer to them, so the new
 * one gets them only when it is healthy.
 */
export const namesOf = (container: ContainerInspect): (readonly [string, EndpointSettings])[] =>
  networksOf(container).filter(([, { Aliases }]) => (Aliases ?? []).some((alias) => alias !== nameWithout(container)));

const nameWithout = ({ Name }: ContainerInspect): string => Name.replace(/^\//, '');

/**
 * The same container from another image: everything asked of the old one (environment, command, mounts, networks, ports,
 * restart policy, resources, health check, labels) and nothing that came from its image.
 */
export function cloneContainer(
  container: ContainerInspect,
  image: ImageInspect | undefined,
  target: CloneTarget,
): Clone {
  const networks = networksOf(container).map(([name, { Aliases, ...endpoint }]) => {
    const named = Aliases === undefined || target.aliases === false ? {} : { Aliases };
    return [name, { ...named, ...endpoint }] as const;
  });
  const exposed = (target.loopbackPorts ?? []).map((port) => [`${port}/tcp`, {}] as const);
  const config = configOf(container, image?.Config ?? {}, target);
  return {
    body: {
      ...config,
      ...(exposed.length === 0 ? {} : { ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(exposed) } }),
      Image: target.image,
      HostConfig: hostConfigOf(container, target),
      ...(networks.length === 0
        ? {}
        : { NetworkingConfig: { EndpointsConfig: Object.fromEntries(networks.slice(0, 1)) } }),
    },
    further: networks.slice(1),
  };
}

/** Why old and new cannot run at once; undefined when they can. */
export function cannotOverlap(container: ContainerInspect): string | undefined {
  const labels = container.Config.Labels ?? {};
  if (labels[Label.replace] === 'recreate') return `it is labelled ${Label.replace}=recreate`;
  const managed = labels[Label.port] !== undefined;
  const { NetworkMode, PortBindings } = container.HostConfig;
  if (String(NetworkMode).startsWith('container:')) return 'it shares the network of another container';
  if (NetworkMode === 'host' && labels[Label.portVariable] === undefined)
    return 'it uses the network of the host on a fixed port';
  const fixed = Object.values(PortBindings ?? {}).some((bindings) =>
    bindings?.some(({ HostPort }) => Number(HostPort) > 0),
  );
  if (fixed && !managed) return 'it publishes a fixed host port itself';
  const addressed = Object.values(container.NetworkSettings?.Networks ?? {}).some(
    ({ IPAMConfig }) => !isDefault(IPAMConfig),
  );
  return addressed ? 'it has a fixed address' : undefined;
}
