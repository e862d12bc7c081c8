/** What a program gets for a system call. Without `answer` the kernel does it. */
export interface Rule {
  readonly names: readonly string[];
  /** Error number; 0: it is told that all went well. */
  readonly answer?: number;
  /** Refused only with these in its arguments; all conditions of a rule must hold. */
  readonly where?: readonly Condition[];
}

export interface Condition {
  /** From 0; its lower 32 bits count. */
  readonly argument: number;
  readonly test: 'equal' | 'any-bit-of' | 'none-of';
  readonly values: readonly number[];
}

export const ERRNO = { EPERM: 1, EINVAL: 22, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

const list = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * What maintainer scripts, package managers and the programs of an image may ask of the kernel; all else does not exist
 * for them. Close to what container engines allow without capabilities (containers/common pkg/seccomp), less ptrace,
 * keyrings, memfd_secret, fanotify, asynchronous I/O rings, POSIX queues' notification and changes of the process' clock.
 */
const ALLOWED = list(`
  accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chroot clock_getres
  clock_gettime clock_nanosleep clone close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
  epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat
  faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fgetxattr flistxattr flock fork
  fremovexattr fsetxattr fstat fstatfs ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat
  get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups
  getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage
  getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat inotify_add_watch inotify_init
  inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit ioctl ioprio_get ioprio_set kill
  landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr
  listxattrat llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack mbind membarrier memfd_create
  mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify mq_open
  mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  nanosleep newfstatat open openat pause personality pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
  pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pwrite64 pwritev pwritev2
  read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename
  renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
  sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto
  set_mempolicy set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid
  setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl
  shmdt shmget shutdown sigaltstack signalfd signalfd4 socket socketpair splice stat statfs statx symlink symlinkat
  sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
  timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice
  wait4 waitid write writev`);

/** Older calls, which programs expect to be refused; newer ones (below) do not exist, and libc does without. */
const REFUSED = list(`
  _sysctl acct add_key adjtimex bpf clock_adjtime clock_settime delete_module fanotify_init fanotify_mark finit_module
  init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie migrate_pages mount move_pages
  name_to_handle_at open_by_handle_at perf_event_open pivot_root process_madvise process_vm_readv process_vm_writev
  ptrace quotactl reboot request_key setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare
  userfaultfd vhangup`);

/** All is in memory and gone soon: to write it to disk would only wait for the host's disks. */
const DONE = list('sync syncfs fsync fdatasync sync_file_range');

/** linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. A new user namespace would hand all
 * capabilities back. clone3, whose flags a filter cannot see, does not exist. */
const NAMESPACES = 0x7e020000;
/** linux/personality.h: none, UNAME26, PER_LINUX32, both, and the question which it is. */
const PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xffffffff];
/** linux/socket.h. Sockets of virtual machines (40) know no network namespace, those of the kernel's own ciphers (38)
 * are of no use here. */
const [AF_ALG, AF_VSOCK, AF_NETLINK, NETLINK_AUDIT] = [38, 40, 16, 9];
const O_NOATIME = 0o1000000;
const F_SETFL = 4;

/** Would read without a trace; who asks for it must be ready for a refusal (open(2)). */
const UNNOTICED: readonly Rule[] = [
  { names: ['open'], answer: ERRNO.EPERM, where: [{ argument: 1, test: 'any-bit-of', values: [O_NOATIME] }] },
  { names: ['openat'], answer: ERRNO.EPERM, where: [{ argument: 2, test: 'any-bit-of', values: [O_NOATIME] }] },
  {
    names: ['fcntl'],
    answer: ERRNO.EPERM,
    where: [
      { argument: 1, test: 'equal', values: [F_SETFL] },
      { argument: 2, test: 'any-bit-of', values: [O_NOATIME] },
    ],
  },
];

/** Calls named nowhere do not exist (ENOSYS). Of several rules with conditions for one call, the first that holds counts.
 * @param recorded what is read is noted, so that nothing may be read unnoticed */
export function profile(recorded: boolean): readonly Rule[] {
  return [
    { names: ALLOWED },
    { names: REFUSED, answer: ERRNO.EPERM },
    { names: DONE, answer: 0 },
    { names: ['clone'], answer: ERRNO.EPERM, where: [{ argument: 0, test: 'any-bit-of', values: [NAMESPACES] }] },
    { names: ['personality'], answer: ERRNO.EPERM, where: [{ argument: 0, test: 'none-of', values: PERSONALITIES }] },
    {
      names: ['socket'],
      answer: ERRNO.EAFNOSUPPORT,
      where: [{ argument: 0, test: 'equal', values: [AF_ALG, AF_VSOCK] }],
    },
    {
      names: ['socket'],
      answer: ERRNO.EINVAL,
      where: [
        { argument: 0, test: 'equal', values: [AF_NETLINK] },
        { argument: 2, test: 'equal', values: [NETLINK_AUDIT] },
      ],
    },
    ...(recorded ? UNNOTICED : []),
  ];
}
