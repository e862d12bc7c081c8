/**
 * The container that kiwi runs in: this machine's programs, read-only; nothing of its configuration, users and devices; a
 * user namespace of its own, in which root is an unprivileged user of the machine. kiwi may mount and chroot in there, and
 * so may the scripts of a description, but neither disks nor files of others can be reached
 * (opencontainers/runtime-spec, config-linux.md; user_namespaces(7)).
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { INSIDE } from '../confine/runtime-wrapper.ts';

/** First of the user ids of the machine that stand for those of a container; above what other programs hand out. */
export const FIRST_ID = 0x7000_0000;
const IDS = 65_536;

/** Where a container's parts lie on the machine, in mounts of this build alone. */
export const PLACE = '/mnt';
export const WORK = '/work';
export const DESCRIPTION = '/description';

export interface ContainerLimits {
  /** Bytes. */
  readonly memory: number | undefined;
  readonly processes: number;
}

/** What of the machine's own /etc its programs need to run. */
const CONFIGURATION = ['alternatives', 'dnf', 'zypp', 'ld.so.cache', 'login.defs'];
/** Top-level folders with programs, where they are no links into /usr. */
const PROGRAMS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'usr'];

/** What a package manager does as root of a tree of its own. */
const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'SETFCAP'],
  ...['SYS_CHROOT', 'SYS_ADMIN', 'MKNOD', 'AUDIT_WRITE', 'DAC_READ_SEARCH'],
].map((name) => `CAP_${name}`);

/** Of the kernel itself; nothing that installs packages asks for these. */
const REFUSED_CALLS = [
  ...['add_key', 'bpf', 'delete_module', 'finit_module', 'init_module', 'io_uring_setup', 'kexec_load'],
  ...['kexec_file_load', 'keyctl', 'open_by_handle_at', 'perf_event_open', 'ptrace', 'process_vm_readv'],
  ...['process_vm_writev', 'quotactl', 'reboot', 'request_key', 'setns', 'swapoff', 'swapon', 'syslog'],
  ...['userfaultfd', 'settimeofday', 'clock_settime'],
];

interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'nosuid', ...options],
});

/** `bin → usr/bin` where the machine has that, else a mount of the folder itself. */
export function programFolders(): {
  readonly links: readonly (readonly [string, string])[];
  readonly folders: readonly string[];
} {
  const links: (readonly [string, string])[] = [];
  const folders: string[] = [];
  for (const name of PROGRAMS) {
    const facts = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (facts?.isSymbolicLink() === true) links.push([name, readlinkSync(`/${name}`)]);
    else if (facts?.isDirectory() === true) folders.push(name);
  }
  return { links, folders };
}

export interface ContainerCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: ContainerLimits;
  /** Files of the machine's /etc that are there. */
  readonly configuration: readonly string[];
}

export const configurationFiles = (exists: (path: string) => boolean): readonly string[] =>
  CONFIGURATION.filter((name) => exists(`/etc/${name}`));

/** `config.json` of the bundle. All mount points lie in the root already: the container's root may make none. */
export function containerSpec({ argv, env, limits, configuration }: ContainerCommand): object {
  const { folders } = programFolders();
  const ids = [{ containerID: 0, hostID: FIRST_ID, size: IDS }];
  const temporary = (destination: string, ...options: string[]): Mount => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', ...options],
  });
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: argv,
      env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      cwd: WORK,
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'localhost',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      temporary('/dev', 'strictatime', 'mode=755', 'size=65536k'),
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      temporary('/dev/shm', 'nodev', 'mode=1777'),
      bind(`${PLACE}/inside`, INSIDE, 'ro', 'nodev', 'noexec'),
      ...folders.map((name) => bind(`/${name}`, `/${name}`, 'ro', 'nodev')),
      ...configuration.map((name) => bind(`/etc/${name}`, `/etc/${name}`, 'ro', 'nodev')),
      bind(`${PLACE}/description`, DESCRIPTION, 'ro', 'nodev'),
      bind(`${PLACE}/work`, WORK),
      bind(`${PLACE}/work/cache`, '/var/cache/kiwi'),
      bind(`${PLACE}/work/tmp`, '/tmp'),
      bind(`${PLACE}/work/tmp`, '/var/tmp'),
      temporary('/run', 'nodev', 'mode=755'),
      temporary('/root', 'nodev', 'mode=700'),
      temporary('/var/lib', 'nodev', 'mode=755'),
      temporary('/var/log', 'nodev', 'mode=755'),
    ],
    linux: {
      // Network is left out: kiwi is to have the one that this build is confined to.
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'user'].map((type) => ({ type })),
      uidMappings: ids,
      gidMappings: ids,
      resources: {
        pids: { limit: limits.processes },
        ...(limits.memory === undefined ? {} : { memory: { limit: limits.memory } }),
      },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
        syscalls: [{ names: REFUSED_CALLS, action: 'SCMP_ACT_ERRNO' }],
      },
    },
  };
}
