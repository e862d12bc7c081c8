export type ContainerEngine = 'podman' | 'docker' | 'containerd' | 'cri-o' | 'unknown';

export interface ContainerId {
  readonly id: string;
  readonly engine: ContainerEngine;
}

const ID = '([0-9a-f]{64})';
const ENGINES: readonly (readonly [ContainerEngine, RegExp])[] = [
  ['podman', new RegExp(`(?:^|/)libpod-${ID}(?:\\.scope)?(?:/|$)`)],
  ['cri-o', new RegExp(`(?:^|/)crio-${ID}(?:\\.scope)?(?:/|$)`)],
  ['containerd', new RegExp(`cri-containerd[-:]${ID}(?:\\.scope)?(?:/|$)`)],
  ['docker', new RegExp(`(?:docker[-/])${ID}(?:\\.scope)?(?:/|$)`)],
  ['unknown', new RegExp(`/kubepods.*/${ID}(?:/|$)`)],
];
/** Helpers of engines that run beside a container, not in it. */
const HELPER = /(?:libpod|crio)-conmon-/;

/** The container a process is in, by its control group (/proc/PID/cgroup); undefined for one of the host. */
export function containerOfCgroup(text: string): ContainerId | undefined {
  for (const line of text.split('\n')) {
    const path = line.split(':').slice(2).join(':');
    if (HELPER.test(path)) return undefined;
    for (const [engine, pattern] of ENGINES) {
      const id = pattern.exec(path)?.[1];
      if (id !== undefined) return { id, engine };
    }
  }
  return undefined;
}

const STORED: readonly (readonly [ContainerEngine, RegExp])[] = [
  ['podman', new RegExp(`/overlay-containers/${ID}/userdata/`)],
  ['docker', new RegExp(`/docker/containers/${ID}/`)],
];

/** The same by what is mounted in it (/proc/PID/mountinfo), for containers without a control group of their own. */
export function containerOfMounts(mountinfo: string): ContainerId | undefined {
  for (const [engine, pattern] of STORED) {
    const id = pattern.exec(mountinfo)?.[1];
    if (id !== undefined) return { id, engine };
  }
  return undefined;
}

/** Folders of the overlay that is a container's root. */
export interface OverlayRoot {
  /** Topmost first. */
  readonly lower: readonly string[];
  readonly upper: string | undefined;
}

const octal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));

/** Undefined where the root is no overlay. */
export function overlayRoot(mountinfo: string): OverlayRoot | undefined {
  const line = mountinfo.split('\n').find((one) => one.split(' ')[4] === '/' && one.includes(' - overlay '));
  const options = line?.split(' ').at(-1)?.split(',') ?? [];
  const option = (name: string): string | undefined =>
    options.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const lower = option('lowerdir');
  if (lower === undefined) return undefined;
  const upper = option('upperdir');
  return { lower: lower.split(':').map(octal), upper: upper === undefined ? undefined : octal(upper) };
}
