/**
 * The program that sets a sandbox up: namespaces, mounts, capabilities and the system-call filter need system calls
 * that Node does not offer. Perl's `syscall` does, and perl-base is essential on every Debian: no engine, no compiler.
 * It loads no module: a start costs about two milliseconds, and nothing is ever loaded from a hostile root.
 *
 * Modes, one process each (before it: Node's `process.arch` and process id):
 *   hold DIRECTORY SIZE              own namespaces, a tmpfs on DIRECTORY; stays until its standard input ends
 *   mount HOLDER DIRECTORY LOWERDIR  overlay on DIRECTORY/root, inside the holder's namespaces
 *   record HOLDER DIRECTORY SIZE     a tmpfs on DIRECTORY/root that notes every read, and on DIRECTORY/quiet the same
 *                                    one, where reading leaves no trace
 *   run HOLDER DIRECTORY CWD PROCESSES SECONDS FILESIZE [NAME=VALUE…] -- ARGV…
 *   xattrs HOLDER DIRECTORY FOLDER   extended attributes in DIRECTORY/FOLDER: path, name, value, NUL after each; of the
 *                                    paths on standard input (NUL after each), of everything where there are none
 *
 * What happened is said on file descriptor 3: `ready`, `exit N`, `signal N`, or `setup WHAT: WHY`.
 * System call numbers: linux arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
 */
export const LAUNCHER = String.raw`
use strict;
my %numbers = (
  x64 => { audit => 0xC000003E, mount => 165, umount2 => 166, pivot_root => 155, prctl => 157, unshare => 272,
    setns => 308, capset => 126, prlimit64 => 302, mknodat => 259, sethostname => 170, keyctl => 250, setitimer => 38,
    llistxattr => 195, lgetxattr => 192, clone => 56, open => 2, openat => 257, fcntl => 72, sync => 162,
    syncfs => 306, fsync => 74, fdatasync => 75, sync_file_range => 277, add_key => 248, request_key => 249, ptrace => 101, bpf => 321,
    perf_event_open => 298, userfaultfd => 323, process_vm_readv => 310, process_vm_writev => 311, swapon => 167,
    reboot => 169, init_module => 175, finit_module => 313, kexec_load => 246, open_by_handle_at => 304 },
  arm64 => { audit => 0xC00000B7, mount => 40, umount2 => 39, pivot_root => 41, prctl => 167, unshare => 97,
    setns => 268, capset => 91, prlimit64 => 261, mknodat => 33, sethostname => 161, keyctl => 219, setitimer => 103,
    llistxattr => 12, lgetxattr => 9, clone => 220, openat => 56, fcntl => 25, sync => 81,
    syncfs => 267, fsync => 82, fdatasync => 83, sync_file_range => 84, add_key => 217, request_key => 218, ptrace => 117, bpf => 280,
    perf_event_open => 241, userfaultfd => 282, process_vm_readv => 270, process_vm_writev => 271, swapon => 224,
    reboot => 142, init_module => 105, finit_module => 273, kexec_load => 104, open_by_handle_at => 265 },
);
open(my $report, '>&=', 3) or die "no report descriptor\n";
fcntl($report, 2, 1);
sub report { syswrite($report, $_[0] . "\n") }
sub fail { report("setup $_[0]: " . (defined $_[1] ? $_[1] : $!)); exit 125 }
my $n = $numbers{shift @ARGV} or fail('machine', 'no system call table for this processor');
my $parent = shift @ARGV;
my $mode = shift @ARGV;
$0 = "heraklit-sandbox $mode";
# The arguments stay aliases: some calls write into them.
sub call { my $name = shift; return syscall($n->{$name}, @_) }
sub must { my $what = shift; my $r = &call; fail($what) if $r < 0; return $r }

# linux/mount.h, linux/sched.h, linux/prctl.h
my ($RDONLY, $NOSUID, $NODEV, $NOEXEC, $REMOUNT, $NOATIME, $BIND, $REC, $PRIVATE, $STRICTATIME) =
  (1, 2, 4, 8, 32, 1024, 4096, 16384, 1 << 18, 1 << 24);
my ($NEWNS, $NEWUTS, $NEWIPC, $NEWPID, $NEWNET) = (0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000);
my ($PDEATHSIG, $CAPBSET_DROP, $SECCOMP, $NO_NEW_PRIVS) = (1, 24, 22, 38);
sub mount_at { my ($source, $target, $type, $flags, $data) = @_; must("mount $target", 'mount', $source, $target, $type, $flags, $data) }
sub die_with_parent {
  must('prctl', 'prctl', $PDEATHSIG, 9, 0, 0, 0);
  exit 125 if getppid() != $parent;
}
sub enter {
  my ($holder) = @_;
  $holder =~ /^[0-9]+$/ or fail('holder', 'not a process id');
  for my $space ([mnt => $NEWNS], [net => $NEWNET], [ipc => $NEWIPC], [uts => $NEWUTS]) {
    open(my $handle, '<', "/proc/$holder/ns/$space->[0]") or fail("open namespace $space->[0]");
    must("enter namespace $space->[0]", 'setns', fileno($handle), $space->[1]);
  }
}

sub hold {
  my ($directory, $size) = @_;
  die_with_parent();
  must('unshare', 'unshare', $NEWNS | $NEWUTS | $NEWIPC | $NEWNET);
  my $host = 'localhost';
  must('sethostname', 'sethostname', $host, length($host));
  mount_at('none', '/', 'none', $REC | $PRIVATE, '');
  mount_at('tmpfs', $directory, 'tmpfs', $NOSUID | $NODEV, "mode=0700,size=$size");
  loopback();
  report('ready');
  close $report;
  1 while sysread(STDIN, my $ignored, 4096);
}

# SIOCGIFFLAGS, SIOCSIFFLAGS on lo: a script may talk to a daemon it started, and to nobody else.
sub loopback {
  socket(my $socket, 2, 2, 0) or return;
  my $request = pack('a16 s x22', 'lo', 0);
  ioctl($socket, 0x8913, $request) or return;
  my (undef, $flags) = unpack('a16 s', $request);
  $request = pack('a16 s x22', 'lo', $flags | 1);
  ioctl($socket, 0x8914, $request);
}

sub mount_root {
  my ($holder, $directory, $lower) = @_;
  enter($holder);
  chdir $directory or fail("chdir $directory");
  my $options = "lowerdir=$lower,upperdir=upper,workdir=work,index=off,metacopy=off,redirect_dir=nofollow,xino=off";
  fail('overlay', 'too many layers for one mount') if length $options > 4000;
  mount_at('overlay', 'root', 'overlay', $NOSUID | $NODEV, $options);
  report('ready');
}

# Reads are noted as access times, which nothing but a read (or an execution, a mapping, a listing) sets to now.
sub record_root {
  my ($holder, $directory, $size) = @_;
  enter($holder);
  chdir $directory or fail("chdir $directory");
  mount_at('tmpfs', 'root', 'tmpfs', $NOSUID | $NODEV | $STRICTATIME, "mode=0755,size=$size");
  mkdir 'quiet' or fail('mkdir quiet');
  open(my $queries, '>', 'queries') or fail('queries');
  quiet_mount('root', 'quiet');
  report('ready');
}
sub quiet_mount {
  my ($source, $target) = @_;
  mount_at($source, $target, 'none', $BIND, '');
  mount_at('none', $target, 'none', $REMOUNT | $BIND | $NOSUID | $NODEV | $NOATIME, '');
}

sub run {
  my ($holder, $directory, $groups, $cwd, $processes, $seconds, $filesize, @rest) = @_;
  my @environment;
  push @environment, shift @rest while @rest && $rest[0] ne '--';
  shift @rest;
  die_with_parent();
  for my $group (split /,/, $groups) {
    open(my $members, '>', "$group/cgroup.procs") or fail('control group');
    syswrite($members, $$) or fail('join control group');
    close $members;
  }
  enter($holder);
  must('unshare', 'unshare', $NEWNS | $NEWPID);
  pipe(my $alive, my $keep) or fail('pipe');
  my $child = fork;
  fail('fork') unless defined $child;
  if ($child == 0) {
    close $keep;
    must('prctl', 'prctl', $PDEATHSIG, 9, 0, 0, 0);
    # The parent may have died before the line above; then nobody writes this byte.
    exit 125 unless sysread($alive, my $byte, 1);
    init($directory, $cwd, $processes, $seconds, $filesize, \@environment, \@rest);
  }
  close $alive;
  syswrite($keep, 'x');
  waitpid($child, 0);
  exit($? == 0 ? 0 : 1);
}

# Process 1 of the sandbox: builds the root, starts the command, reaps what it leaves; its end kills the rest.
sub init {
  my ($directory, $cwd, $processes, $seconds, $filesize, $environment, $argv) = @_;
  call('keyctl', 1, 0);
  my $dot = '.';
  my $recorded = -d "$directory/quiet";
  my $queries;
  $recorded and (open($queries, '>>', "$directory/queries") or fail('queries'));
  chdir "$directory/root" or fail('chdir root');
  must('pivot_root', 'pivot_root', $dot, $dot);
  must('detach the host', 'umount2', $dot, 2);
  chdir '/' or fail('chdir /');
  my $bounded = kernel_files($processes);
  devices();
  wrap_programs() if $recorded;
  my $command = fork;
  fail('fork') unless defined $command;
  if ($command == 0) { confine($seconds, $filesize, $recorded); launch($cwd, $environment, $argv) }
  close STDIN; close STDOUT; close STDERR;
  watch($processes) unless $bounded || !$processes;
  while ((my $pid = wait) != -1 || $! == 4) {
    next unless $pid == $command;
    hand_out($queries) if $recorded;
    report(($? & 127) ? 'signal ' . ($? & 127) : 'exit ' . ($? >> 8));
    exit 0;
  }
  fail('wait');
}

sub real_directory { my ($path) = @_; mkdir $path, 0755; lstat $path; fail($path, 'not a folder in this image') unless -d _ }

# A fresh proc, read-only: a root that may write /proc/sys commands the host's kernel.
sub kernel_files {
  my ($processes) = @_;
  real_directory('/proc');
  mount_at('proc', '/proc', 'proc', $NOSUID | $NODEV | $NOEXEC, '');
  # Linux 6.14 made this limit one of the process-id namespace; before, it is the host's and must stay.
  my $bounded = 0;
  my ($major, $minor) = (read_line('/proc/sys/kernel/osrelease') =~ /^(\d+)\.(\d+)/);
  # 0: a control group bounds them.
  if ($processes && ($major > 6 || ($major == 6 && $minor >= 14))) {
    if (open(my $limit, '>', '/proc/sys/kernel/pid_max')) {
      $bounded = 1 if syswrite($limit, $processes);
      close $limit;
    }
  }
  mount_at('none', '/proc', 'none', $REMOUNT | $BIND | $RDONLY | $NOSUID | $NODEV | $NOEXEC, '');
  for my $secret (qw(/proc/acpi /proc/scsi /proc/asound)) {
    mount_at('tmpfs', $secret, 'tmpfs', $RDONLY, 'size=0') if -d $secret;
  }
  return $bounded;
}
sub read_line { open(my $file, '<', $_[0]) or return ''; my $line = <$file>; return defined $line ? $line : '' }

sub devices {
  real_directory('/dev');
  mount_at('tmpfs', '/dev', 'tmpfs', $NOSUID | $NOEXEC, 'mode=0755,size=1m');
  umask 0;
  my %device = (null => [1, 3], zero => [1, 5], full => [1, 7], random => [1, 8], urandom => [1, 9], tty => [5, 0]);
  for my $name (sort keys %device) {
    my ($major, $minor) = @{$device{$name}};
    my $path = "/dev/$name";
    must("make $path", 'mknodat', -100, $path, 0020666, $major << 8 | $minor);
  }
  for my $secret (qw(kcore keys timer_list sysrq-trigger kmsg)) {
    mount_at('/dev/null', "/proc/$secret", 'none', $BIND, '') if -e "/proc/$secret";
  }
  symlink '/proc/self/fd', '/dev/fd';
  symlink "/proc/self/fd/$_->[0]", "/dev/$_->[1]" for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
  mkdir '/dev/shm', 01777 and mount_at('tmpfs', '/dev/shm', 'tmpfs', $NOSUID | $NODEV, 'mode=1777,size=64m');
  mkdir '/dev/pts', 0755;
  mount_at('devpts', '/dev/pts', 'devpts', $NOSUID | $NOEXEC, 'newinstance,ptmxmode=0666,mode=0620');
  symlink 'pts/ptmx', '/dev/ptmx';
  umask 0022;
}

# Two programs read much more than what their answers depend on, so what they read says too little. ldconfig looks at
# few facts of each library, which whoever recorded compares by himself: it works through the quiet mount. dpkg-query
# reads all of the database: what it is asked is noted.
sub wrap_programs {
  my $quiet = '/dev/.quiet';
  mkdir $quiet, 0755 or fail('mkdir quiet');
  quiet_mount('/', $quiet);
  my ($linker, $query) = ('/usr/sbin/ldconfig', '/usr/bin/dpkg-query');
  # Whoever names files or folders is let through: they could be relative.
  wrap($linker, "for argument; do case \$argument in -*|/) ;; *) exec $quiet$linker \"\$@\";; esac; done\n"
    . "exec /usr/sbin/chroot $quiet $linker \"\$@\"\n") if is_program('/usr/sbin/chroot');
  my $log = '/dev/.queries';
  open(my $file, '>', $log) or fail('queries');
  close $file;
  chmod 0666, $log;
  wrap($query, "printf '%s\\n' \"\$*\" >>$log || exit 2\nexec $quiet$query \"\$@\"\n");
}
sub is_program { my ($path) = @_; lstat $path; return !-l _ && -f _ }
sub wrap {
  my ($program, $script) = @_;
  return unless is_program($program) && -e '/bin/sh';
  my $wrapper = $program;
  $wrapper =~ s{.*/}{/dev/.};
  open(my $file, '>', $wrapper) or fail('open wrapper');
  print $file "#!/bin/sh\n$script";
  close $file;
  chmod 0755, $wrapper;
  mount_at($wrapper, $program, 'none', $BIND, '');
  mount_at('none', $program, 'none', $REMOUNT | $BIND | $RDONLY | $NOSUID | $NODEV, '');
}
sub hand_out {
  my ($queries) = @_;
  open(my $file, '<', '/dev/.queries') or return;
  while (sysread($file, my $text, 65536)) { syswrite($queries, $text) }
}

# Before Linux 6.14 nothing short of a control group bounds root's processes: count them, and end the sandbox.
sub watch {
  my ($processes) = @_;
  $SIG{ALRM} = sub {
    opendir(my $proc, '/proc') or return;
    my $count = grep { /^[0-9]/ } readdir $proc;
    if ($count > $processes) { report('signal 9'); exit 0 }
  };
  my $every = pack('q4', 0, 50_000, 0, 50_000);
  call('setitimer', 0, $every, 0);
}

# What maintainer scripts need, no more: chown, dac_override, fowner, fsetid, kill, setgid, setuid, sys_chroot, setfcap.
my @CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 18, 31);

sub confine {
  my ($seconds, $filesize, $recorded) = @_;
  my %keep = map { $_ => 1 } @CAPABILITIES;
  for my $capability (0 .. 63) {
    next if $keep{$capability};
    last if call('prctl', $CAPBSET_DROP, $capability, 0, 0, 0) < 0;
  }
  my $mask = 0;
  $mask |= 1 << $_ for @CAPABILITIES;
  # RLIMIT_CPU 0, FSIZE 1, CORE 4, NOFILE 7 (the soft value Debian's own tools expect)
  for my $limit ([0, $seconds, $seconds], [1, $filesize, $filesize], [4, 0, 0], [7, 1024, 4096]) {
    my $values = pack('QQ', $limit->[1], $limit->[2]);
    must('resource limit', 'prlimit64', 0, $limit->[0], $values, 0);
  }
  my $header = pack('LL', 0x20080522, 0);
  my $data = pack('L6', $mask & 0xffffffff, $mask & 0xffffffff, 0, 0, 0, 0);
  must('no_new_privs', 'prctl', $NO_NEW_PRIVS, 1, 0, 0, 0);
  filter($recorded);
  must('capset', 'capset', $header, $data);
}

# seccomp: a new user namespace would hand all capabilities back, and these calls serve no maintainer script.
sub filter {
  my ($recorded) = @_;
  my @refused = @{$n}{qw(mount umount2 pivot_root unshare setns keyctl add_key request_key ptrace bpf perf_event_open
    userfaultfd process_vm_readv process_vm_writev swapon reboot init_module finit_module kexec_load open_by_handle_at)};
  my ($DONE, $EPERM, $ENOSYS, $ALLOW) = (0x50000, 0x50001, 0x50026, 0x7fff0000);
  my ($LOAD, $EQUAL, $SET, $RETURN, $ABOVE) = (0x20, 0x15, 0x45, 0x06, 0x35);
  my @program = ([$LOAD, 0, 0, 4], [$EQUAL, 1, 0, $n->{audit}], [$RETURN, 0, 0, $ENOSYS], [$LOAD, 0, 0, 0],
    # the x32 numbers, which would walk around the list
    [$ABOVE, 0, 1, 0x40000000], [$RETURN, 0, 0, $ENOSYS]);
  # All is in memory and gone soon: to write it to disk would only wait for the host's disks.
  push @program, [$EQUAL, 0, 1, $_], [$RETURN, 0, 0, $DONE] for @{$n}{qw(sync syncfs fsync fdatasync sync_file_range)};
  # mount's younger relatives, io_uring, pidfd_getfd, openat2 and clone3, whose flags a filter cannot see (libc falls back)
  push @program, [$EQUAL, 0, 1, $_], [$RETURN, 0, 0, $ENOSYS] for 425 .. 433, 435, 437, 438, 442;
  push @program, [$EQUAL, 0, 1, $_], [$RETURN, 0, 0, $EPERM] for @refused;
  push @program, [$EQUAL, 0, 4, $n->{clone}], [$LOAD, 0, 0, 16], [$SET, 0, 1, 0x10000000], [$RETURN, 0, 0, $EPERM],
    [$RETURN, 0, 0, $ALLOW];
  # O_NOATIME would read unnoticed; who asks for it must be ready for a refusal (open(2)).
  my $noatime = 01000000;
  for my $open ($recorded ? ([$n->{open}, 24], [$n->{openat}, 32]) : ()) {
    next unless defined $open->[0];
    push @program, [$EQUAL, 0, 4, $open->[0]], [$LOAD, 0, 0, $open->[1]], [$SET, 0, 1, $noatime], [$RETURN, 0, 0, $EPERM],
      [$RETURN, 0, 0, $ALLOW];
  }
  # F_SETFL is 4
  push @program, [$EQUAL, 0, 6, $n->{fcntl}], [$LOAD, 0, 0, 24], [$EQUAL, 0, 3, 4], [$LOAD, 0, 0, 32],
    [$SET, 0, 1, $noatime], [$RETURN, 0, 0, $EPERM], [$RETURN, 0, 0, $ALLOW] if $recorded;
  push @program, [$RETURN, 0, 0, $ALLOW];
  my $code = join '', map { pack('S C C L', @$_) } @program;
  my $argument = pack('S x6 P', scalar(@program), $code);
  must('seccomp', 'prctl', $SECCOMP, 2, $argument, 0, 0);
}

sub launch {
  my ($cwd, $environment, $argv) = @_;
  chdir $cwd or fail("chdir $cwd");
  %ENV = map { /^([^=]+)=(.*)$/s ? ($1 => $2) : () } @$environment;
  { no warnings; exec { $argv->[0] } @$argv }
  print STDERR "$argv->[0]: $!\n";
  exit($! == 2 ? 127 : 126);
}

sub attributes {
  my ($holder, $directory, $folder) = @_;
  enter($holder);
  chdir "$directory/$folder" or fail("chdir $folder");
  binmode STDOUT;
  my $wanted = do { local $/; <STDIN> };
  if (defined $wanted && length $wanted) { attributes_of("./$_") for split /\0/, $wanted }
  else { attributes_below('.') }
  report('ready');
}
sub attributes_of {
  my ($path) = @_;
  my $names = "\0" x 65536;
  my $length = call('llistxattr', $path, $names, 65536);
  for my $name ($length > 0 ? split /\0/, substr($names, 0, $length) : ()) {
    my $value = "\0" x 65536;
    my $size = call('lgetxattr', $path, $name, $value, 65536);
    print substr($path, 2) , "\0", $name, "\0", unpack('H*', substr($value, 0, $size)), "\0" if $size >= 0;
  }
}
sub attributes_below {
  my ($path) = @_;
  attributes_of($path);
  return if -l $path || !-d $path;
  opendir(my $folder, $path) or return;
  attributes_below("$path/$_") for sort grep { $_ ne '.' && $_ ne '..' } readdir $folder;
}

if ($mode eq 'hold') { hold(@ARGV) }
elsif ($mode eq 'mount') { mount_root(@ARGV) }
elsif ($mode eq 'record') { record_root(@ARGV) }
elsif ($mode eq 'run') { run(@ARGV) }
elsif ($mode eq 'xattrs') { attributes(@ARGV) }
else { fail('mode', 'unknown') }
`;
