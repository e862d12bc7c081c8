import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bounds for all processes of one command together. */
export interface GroupLimits {
  /** Bytes of memory, files in the sandbox's memory included. */
  readonly memory: number;
  readonly processes: number;
}

/** What a control group refused its processes. */
export type GroupEvent = 'memory' | 'processes';

export interface ControlGroup {
  /** Folders whose `cgroup.procs` takes the command: one for version 2, one for each controller of version 1. */
  readonly folders: readonly string[];
  bounds(what: GroupEvent): boolean;
  /** What has been hit so far. */
  event(): GroupEvent | undefined;
  /** Once all its processes are gone. */
  remove(): Promise<void>;
}

type Controller = 'memory' | 'pids';

/** A folder of a hierarchy in which groups may be made. */
export interface GroupParent {
  readonly folder: string;
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
}

const PREFIX = 'heraklit-sandbox-';
const REMOVE_ATTEMPTS = 20;
const REMOVE_PAUSE_MS = 25;

/**
 * A group of its own for one command, on version 2, version 1, or both beside each other (systemd's hybrid): each
 * controller where it is. Undefined where none can be made: read-only or foreign hierarchies, as in most containers.
 */
export function openControlGroup(limits: GroupLimits, parents = findParents()): ControlGroup | undefined {
  const folders: { readonly folder: string; readonly parent: GroupParent }[] = [];
  const has = (controller: Controller): boolean =>
    folders.some(({ parent }) => parent.controllers.includes(controller));
  for (const parent of parents) {
    if (parent.controllers.every(has)) continue;
    const folder = makeGroup(parent, limits);
    if (folder !== undefined) folders.push({ folder, parent });
  }
  if (folders.length === 0) return undefined;
  const files = folders.flatMap(({ folder, parent }) => eventFiles(folder, parent));
  return {
    folders: folders.map(({ folder }) => folder),
    bounds: (what) => files.some(({ event }) => event === what),
    event: () => files.find(({ path, pattern }) => pattern.test(readText(path)))?.event,
    async remove() {
      for (const { folder } of folders) await removeGroup(folder);
    },
  };
}

function makeGroup(parent: GroupParent, limits: GroupLimits): string | undefined {
  removeAbandoned(parent.folder);
  const folder = join(parent.folder, `${PREFIX}${process.pid}-${randomUUID()}`);
  try {
    // On version 2 a group has the controllers that its parent hands down; the kernel refuses that where the parent
    // has processes of its own.
    if (parent.version === 2) writeFileSync(join(parent.folder, 'cgroup.subtree_control'), '+memory +pids');
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  try {
    for (const [name, value] of settings(parent, limits)) writeFileSync(join(folder, name), value);
    return folder;
  } catch {
    rmdirSync(folder);
    return undefined;
  }
}

function settings(
  { version, controllers }: GroupParent,
  { memory, processes }: GroupLimits,
): readonly [string, string][] {
  const all: [string, string][] = [];
  if (controllers.includes('pids')) all.push(['pids.max', String(processes)]);
  if (!controllers.includes('memory')) return all;
  if (version === 1) return [...all, ['memory.limit_in_bytes', String(memory)]];
  return [...all, ['memory.max', String(memory)], ['memory.oom.group', '1']];
}

function eventFiles(folder: string, { version, controllers }: GroupParent) {
  const found: { readonly path: string; readonly pattern: RegExp; readonly event: GroupEvent }[] = [];
  if (controllers.includes('memory')) {
    const name = version === 1 ? 'memory.oom_control' : 'memory.events';
    found.push({ path: join(folder, name), pattern: /^oom_kill [1-9]/m, event: 'memory' });
  }
  if (controllers.includes('pids'))
    found.push({ path: join(folder, 'pids.events'), pattern: /^max [1-9]/m, event: 'processes' });
  return found;
}

/** Where our own process is, and the root of each hierarchy, which alone may have both processes and groups. */
function findParents(): readonly GroupParent[] {
  const own = new Map(
    readText('/proc/self/cgroup')
      .split('\n')
      .flatMap((line): readonly [string, string][] => {
        const [, names = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
        return names.split(',').map((name) => [name, path]);
      }),
  );
  return readText('/proc/self/mountinfo')
    .split('\n')
    .flatMap((line): readonly GroupParent[] => {
      const [before = '', after = ''] = line.split(' - ');
      const mount = before.split(' ')[4];
      const [type, , options = ''] = after.split(' ');
      // The kernel writes blanks and the like as octal: such a place is left alone.
      if (mount === undefined || mount.includes('\\')) return [];
      if (type === 'cgroup2') {
        const controllers = among(readText(join(mount, 'cgroup.controllers')).trim().split(' '));
        return places(mount, own.get('')).map((folder) => ({ folder, version: 2, controllers }));
      }
      if (type !== 'cgroup') return [];
      const controllers = among(options.split(','));
      return places(mount, own.get(controllers[0] ?? '')).map((folder) => ({ folder, version: 1, controllers }));
    })
    .filter(({ controllers }) => controllers.length > 0);
}

const among = (names: readonly string[]): readonly Controller[] =>
  (['memory', 'pids'] as const).filter((name) => names.includes(name));

/** Our own group first, so that its bounds hold for the sandbox too. */
const places = (mount: string, own: string | undefined): readonly string[] =>
  [...new Set([join(mount, own ?? '/'), mount])].filter((folder) => existsSync(folder) && !folder.includes(','));

/** Groups of processes of ours that were killed; a group with processes is not removed by this call. */
function removeAbandoned(parent: string): void {
  try {
    for (const name of readdirSync(parent)) {
      const pid = name.startsWith(PREFIX) ? /^\d+/.exec(name.slice(PREFIX.length))?.[0] : undefined;
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmdirSync(join(parent, name));
    }
  } catch {
    // Another process was quicker, or it is not empty yet.
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt += 1) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY') return;
    }
    // The kernel takes a moment to let go of what was killed; what stays is removed by a later sandbox.
    await sleep(REMOVE_PAUSE_MS);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
