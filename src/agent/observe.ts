import { messageOf } from '../base/index.ts';
import { inspectImage, ownersInFolder } from '../inventory/index.ts';
import type { ContainerEngine } from './container-id.ts';
import { containerNames } from './container-names.ts';
import { type ContainerProcess, type RunningFile, readProcesses, type UnreadProcess } from './processes.ts';

/** A package of which files run. */
export interface LoadedPackage {
  readonly package: string;
  /** Version of what runs; null where it was replaced and nobody knows what it was. */
  readonly loaded: string | null;
  readonly installed: string;
  readonly restartDue: boolean;
  /** Absolute paths of its files that run. */
  readonly files: readonly string[];
}

export interface ObservedContainer {
  readonly id: string;
  readonly engine: ContainerEngine;
  readonly name: string | null;
  readonly image: string | null;
  /** By which its image may be known: of manifests and of the configuration. */
  readonly digests: readonly string[];
  readonly distribution: string | null;
  readonly processes: readonly number[];
  /** A process runs a file that was deleted or replaced since. */
  readonly restartDue: boolean;
  readonly packages: readonly LoadedPackage[];
  /** Files of no package that were replaced while they run. */
  readonly otherFiles: readonly string[];
  /** Why nothing can be said of its packages; absent where something can. */
  readonly problem?: string;
}

export interface Observation {
  /** ISO 8601. */
  readonly at: string;
  /** Sorted by name, then id. */
  readonly containers: readonly ObservedContainer[];
  readonly unread: readonly UnreadProcess[];
}

export interface ObserveOptions {
  readonly now: Date;
  /** Folder of the kernel's process information. */
  readonly proc?: string;
  readonly signal?: AbortSignal;
  /** What earlier observations saw: the version that a file had when it was seen first. */
  readonly memory?: Map<string, string>;
}

/**
 * What runs in this machine's containers: which packages, in which version, and whether a restart is due. Only reads.
 * @throws AGENT_PROC_UNREADABLE
 */
export async function observeContainers(options: ObserveOptions): Promise<Observation> {
  const proc = options.proc ?? '/proc';
  const { processes, unread } = readProcesses(proc);
  const containers: ObservedContainer[] = [];
  for (const members of Map.groupBy(processes, ({ container }) => container.id).values()) {
    options.signal?.throwIfAborted();
    containers.push(await observeOne(proc, members, options.memory ?? new Map()));
  }
  const order = (a: ObservedContainer, b: ObservedContainer): number => (keyOf(a) < keyOf(b) ? -1 : 1);
  return { at: options.now.toISOString(), containers: containers.sort(order), unread };
}

const keyOf = ({ name, id }: ObservedContainer): string => `${name ?? ''} ${id}`;

async function observeOne(
  proc: string,
  processes: readonly ContainerProcess[],
  memory: Map<string, string>,
): Promise<ObservedContainer> {
  const [first] = processes as readonly [ContainerProcess, ...ContainerProcess[]];
  const { id, engine } = first.container;
  const names = await containerNames(id, first.overlay);
  const files = new Map<string, RunningFile>();
  for (const one of processes) for (const file of one.files) files.set(`${file.identity} ${file.path}`, file);
  const running = [...files.values()];
  const base = {
    id,
    engine,
    name: names.name ?? null,
    image: names.image ?? null,
    digests: names.digests ?? [],
    processes: processes.map(({ pid }) => pid),
    restartDue: running.some(({ replaced }) => replaced),
  };
  try {
    const root = `${proc}/${first.pid}/root`;
    const { packages, distribution } = await inspectImage({ kind: 'dir', root }, { systemOnly: true });
    const owners = await ownersInFolder(root, packages, new Set(running.map(({ path }) => path)));
    const installed = new Map(packages.map(({ name, version }) => [name, version]));
    const before = base.restartDue ? await imageVersions(first) : new Map<string, string>();
    const loaded = Map.groupBy(running, ({ path }) => owners.get(path) ?? '');
    const other = (loaded.get('') ?? []).filter(({ replaced }) => replaced).map(({ path }) => `/${path}`);
    loaded.delete('');
    const seen = [...loaded].flatMap(([name, its]) => {
      const version = installed.get(name);
      return version === undefined ? [] : [loadedPackage(name, version, its, before.get(name), id, memory)];
    });
    const sorted = seen.sort((a, b) => (a.package < b.package ? -1 : 1));
    return { ...base, distribution: distribution?.name ?? null, packages: sorted, otherFiles: other.sort() };
  } catch (error) {
    // Its last process may have ended; a container without a readable root is told all the same.
    return { ...base, distribution: null, packages: [], otherFiles: [], problem: messageOf(error) };
  }
}

function loadedPackage(
  name: string,
  installed: string,
  files: readonly RunningFile[],
  inImage: string | undefined,
  container: string,
  memory: Map<string, string>,
): LoadedPackage {
  const replaced = files.filter((file) => file.replaced);
  for (const file of files) {
    const key = `${container} ${file.identity} ${file.path}`;
    if (!file.replaced && !memory.has(key)) memory.set(key, installed);
  }
  const remembered = replaced.map(({ identity, path }) => memory.get(`${container} ${identity} ${path}`));
  const earlier = remembered.find((version) => version !== undefined) ?? inImage ?? null;
  return {
    package: name,
    loaded: replaced.length === 0 ? installed : earlier,
    installed,
    restartDue: replaced.length > 0,
    files: [...new Set(files.map(({ path }) => `/${path}`))].sort(),
  };
}

/** Package versions of the image a container was made from: of the topmost layer that has a package database. */
async function imageVersions({ overlay }: ContainerProcess): Promise<ReadonlyMap<string, string>> {
  for (const root of overlay?.lower ?? []) {
    try {
      const { packages } = await inspectImage({ kind: 'dir', root }, { systemOnly: true });
      if (packages.length > 0) return new Map(packages.map(({ name, version }) => [name, version]));
    } catch {
      // Below another root than ours, or gone.
    }
  }
  return new Map();
}
