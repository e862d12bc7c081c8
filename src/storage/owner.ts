import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { digestOf } from '../oci/index.ts';

/**
 * Names the process a scratch or lock file belongs to, so that another process can tell whether its owner still lives.
 * A pid alone would not do: pids are reused, and mean nothing in another pid namespace or after a reboot. So the text is
 * `<where>-<pid>-<start time>-<uuid>`, `where` standing for one boot of one machine and one pid namespace.
 */
export function ownerToken(): string {
  return `${HERE}-${process.pid}-${STARTED ?? 0}-${randomUUID()}`;
}

/** Whether the owner of a token lives: `unknown` where it belongs to another machine, boot or pid namespace. */
export function ownerState(token: string): 'alive' | 'dead' | 'unknown' {
  const match = /^([0-9a-f]{12})-([0-9]{1,10})-([0-9]{1,20})-[0-9a-f-]{36}$/.exec(token);
  if (match === null || match[1] !== HERE) return 'unknown';
  const pid = Number(match[2]);
  const started = startTime(pid);
  if (started !== undefined) return started === match[3] ? 'alive' : 'dead';
  if (HAS_PROC) return 'dead';
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'alive' : 'dead';
  }
}

/** Field 22 of /proc/PID/stat (proc(5)): clock ticks after boot. Undefined without such a process or without /proc. */
function startTime(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The command name, in parentheses, may hold blanks and parentheses of its own: count fields after the last one.
  return stat
    ?.slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .at(19);
}

function attempt(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const STARTED = startTime(process.pid);
const HAS_PROC = STARTED !== undefined;
const HERE = digestOf(
  [
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')) ?? hostname(),
    attempt(() => readlinkSync('/proc/self/ns/pid')) ?? '',
  ].join('\n'),
).slice('sha256:'.length, 'sha256:'.length + 12);
