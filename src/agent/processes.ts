import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { messageOf } from '../base/index.ts';
import { realPath } from '../elf/loader/index.ts';
import {
  type ContainerId,
  containerOfCgroup,
  containerOfMounts,
  type OverlayRoot,
  overlayRoot,
} from './container-id.ts';
import { agentError } from './errors.ts';
import { mappedFiles } from './mapped-files.ts';

/** A file that runs in a process. */
export interface RunningFile {
  /** Below the container's root, without leading `/`. */
  readonly path: string;
  /** What the process runs is no longer what has this name. */
  readonly replaced: boolean;
  /** Device and inode of what it runs. */
  readonly identity: string;
}

export interface ContainerProcess {
  readonly pid: number;
  readonly container: ContainerId;
  readonly overlay: OverlayRoot | undefined;
  readonly files: readonly RunningFile[];
}

/** A process that may not be looked at. */
export interface UnreadProcess {
  readonly pid: number;
  readonly reason: string;
}

/** @returns processes in containers, and those that could not be read; one that ends meanwhile is neither */
export function readProcesses(proc: string): {
  readonly processes: readonly ContainerProcess[];
  readonly unread: readonly UnreadProcess[];
} {
  const processes: ContainerProcess[] = [];
  const unread: UnreadProcess[] = [];
  const all = listProcesses(proc);
  const host = mountNamespace(`${proc}/1`) ?? mountNamespace(`${proc}/self`) ?? '';
  for (const pid of all) {
    try {
      const found = readProcess(`${proc}/${pid}`, pid, host);
      if (found !== undefined) processes.push(found);
    } catch (error) {
      if (!hasEnded(error)) unread.push({ pid, reason: messageOf(error) });
    }
  }
  return { processes, unread };
}

function listProcesses(proc: string): readonly number[] {
  try {
    readFileSync(`${proc}/self/mountinfo`);
    return readdirSync(proc).flatMap((name) => (/^[1-9]\d*$/.test(name) ? [Number(name)] : []));
  } catch (error) {
    throw agentError('AGENT_PROC_UNREADABLE', `cannot list the processes in ${proc}: ${messageOf(error)}`, {
      hint: 'The agent runs on Linux, on the host or in its process namespace.',
      cause: error,
    });
  }
}

const hasEnded = (error: unknown): boolean => ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');

function mountNamespace(folder: string): string | undefined {
  return linkAt(`${folder}/ns/mnt`);
}

function readProcess(folder: string, pid: number, host: string): ContainerProcess | undefined {
  const byGroup = containerOfCgroup(readFileSync(`${folder}/cgroup`, 'utf8'));
  const namespace = mountNamespace(folder);
  // Without permission, nothing says that a process outside such control groups is in a container.
  if (namespace === undefined && byGroup === undefined) return undefined;
  // Engines' helpers run in a container's control group, but in the host's root.
  if (namespace === host) return undefined;
  const mounts = readFileSync(`${folder}/mountinfo`, 'utf8');
  const container = byGroup ?? containerOfMounts(mounts);
  if (container === undefined) return undefined;
  const maps = readFileSync(`${folder}/maps`, 'utf8');
  const root = `${folder}/root`;
  readlinkSync(root);
  const files = mappedFiles(maps).map(({ path, deleted, range, inode }) => {
    const mapped = statOf(() => statSync(`${folder}/map_files/${range}`));
    const now = currentFile(root, path);
    const isSame = mapped === undefined ? !deleted : !deleted && now === mapped;
    return { path: path.slice(1), replaced: !isSame, identity: mapped ?? `?:${inode}` };
  });
  return { pid, container, overlay: overlayRoot(mounts), files };
}

/** What has that name in the container now: links stay inside its root. */
function currentFile(root: string, path: string): string | undefined {
  const real = realPath((at) => linkAt(`${root}/${at}`), path);
  return real === undefined ? undefined : statOf(() => lstatSync(`${root}/${real}`));
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function statOf(look: () => { readonly dev: number; readonly ino: number }): string | undefined {
  try {
    const { dev, ino } = look();
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
