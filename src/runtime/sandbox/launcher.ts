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
 *   run HOLDER DIRECTORY GROUPS STANDINS CWD PROCESSES MEMORY SECONDS FILESIZE FILTER [NAME=VALUE…] -- ARGV…
 *                                    PROCESSES, MEMORY: 0 where a control group bounds them;
 *                                    FILTER: a seccomp program, hexadecimal
 *                                    STANDINS: a folder in DIRECTORY (or nothing) whose files take the place of programs
 *   xattrs HOLDER DIRECTORY FOLDER   extended attributes in DIRECTORY/FOLDER: path, name, value, NUL after each; of the
 *                                    paths on standard input (NUL after each), of everything where there are none
 *
 * What happened is said on file descriptor 3: `ready`, `exit N`, `signal N`, `limit WHICH`, or `setup WHAT: WHY`.
 * System call numbers: linux arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
 */
export const LAUNCHER = String.raw`
use strict;
my %numbers = (
  x64 => { mount => 165, umount2 => 166, pivot_root => 155, prctl => 157, unshare => 272, setns => 308, capset => 126,
    prlimit64 => 302, mknodat => 259, sethostname => 170, keyctl => 250, setitimer => 38, llistxattr => 195, lgetxattr => 192 },
  arm64 => { mount => 40, umount2 => 39, pivot_root => 41, prctl => 167, unshare => 97, setns => 268, capset => 91,
    prlimit64 => 261, mknodat => 33, sethostname => 161, keyctl => 219, setitimer => 103, llistxattr => 12, lgetxattr => 9 },
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
# In a user namespace of our own (user_namespaces(7))?
my $rootless = read_line('/proc/self/uid_map') !~ /^\s*0\s+0\s+4294967295\s*$/;
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
  # An ordinary user may not write trusted.*: the overlay's own marks are user.overlay.* then (Linux 5.11, tmpfs: 6.6).
  $options .= ',userxattr' if $rootless;
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
  my ($holder, $directory, $groups, $others, $cwd, $processes, $memory, $seconds, $filesize, $filter, @rest) = @_;
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
    init($directory, $others, $cwd, $processes, $memory, $seconds, $filesize, $filter, \@environment, \@rest);
  }
  close $alive;
  syswrite($keep, 'x');
  waitpid($child, 0);
  exit($? == 0 ? 0 : 1);
}

# Process 1 of the sandbox: builds the root, starts the command, reaps what it leaves; its end kills the rest.
sub init {
  my ($directory, $others, $cwd, $processes, $memory, $seconds, $filesize, $filter, $environment, $argv) = @_;
  my %stand_ins = $others eq '' ? () : read_folder("$directory/$others");
  call('keyctl', 1, 0);
  my $dot = '.';
  my $recorded = -d "$directory/quiet";
  my $queries;
  $recorded and (open($queries, '>>', "$directory/queries") or fail('queries'));
  chdir "$directory/root" or fail('chdir root');
  kernel_files($processes);
  devices();
  must('pivot_root', 'pivot_root', $dot, $dot);
  must('detach the host', 'umount2', $dot, 2);
  chdir '/' or fail('chdir /');
  wrap_programs() if $recorded;
  stand_in($_, $stand_ins{$_}) for sort keys %stand_ins;
  my $command = fork;
  fail('fork') unless defined $command;
  if ($command == 0) { confine($memory, $seconds, $filesize, $filter); launch($cwd, $environment, $argv) }
  close STDIN; close STDOUT; close STDERR;
  watch($processes, $memory) if $processes || $memory;
  while ((my $pid = wait) != -1 || $! == 4) {
    next unless $pid == $command;
    hand_out($queries) if $recorded;
    report(($? & 127) ? 'signal ' . ($? & 127) : 'exit ' . ($? >> 8));
    exit 0;
  }
  fail('wait');
}

# Relative to the new root, which is not ours yet: what is mounted here is made visible by what the host shows.
sub real_directory { my ($path) = @_; mkdir $path, 0755; lstat $path; fail("/$path", 'not a folder in this image') unless -d _ }

# A fresh proc, read-only: a root that may write /proc/sys commands the host's kernel.
sub kernel_files {
  my ($processes) = @_;
  real_directory('proc');
  # In a user namespace the kernel allows it as long as the host's own is in sight.
  mount_at('proc', 'proc', 'proc', $NOSUID | $NODEV | $NOEXEC, '');
  # Linux 6.14 made this limit one of the process-id namespace; before, it is the host's and must stay.
  my ($major, $minor) = (read_line('proc/sys/kernel/osrelease') =~ /^(\d+)\.(\d+)/);
  # 0: a control group bounds them. Else they are counted, and this holds between one count and the next.
  if ($processes && ($major > 6 || ($major == 6 && $minor >= 14))) {
    if (open(my $limit, '>', 'proc/sys/kernel/pid_max')) {
      syswrite($limit, $processes < 151 ? 301 : 2 * $processes);
      close $limit;
    }
  }
  mount_at('none', 'proc', 'none', $REMOUNT | $BIND | $RDONLY | $NOSUID | $NODEV | $NOEXEC, '');
  for my $secret (qw(proc/acpi proc/scsi proc/asound)) {
    mount_at('tmpfs', $secret, 'tmpfs', $RDONLY, 'size=0') if -d $secret;
  }
}
sub read_line { open(my $file, '<', $_[0]) or return ''; my $line = <$file>; return defined $line ? $line : '' }

sub devices {
  real_directory('dev');
  mount_at('tmpfs', 'dev', 'tmpfs', $NOSUID | $NOEXEC, 'mode=0755,size=1m');
  umask 0;
  my %device = (null => [1, 3], zero => [1, 5], full => [1, 7], random => [1, 8], urandom => [1, 9], tty => [5, 0]);
  for my $name (sort keys %device) {
    my ($major, $minor) = @{$device{$name}};
    my $path = "dev/$name";
    next if call('mknodat', -100, $path, 0020666, $major << 8 | $minor) == 0;
    # Nobody but the machine's root makes device nodes: an ordinary user's sandbox shows the machine's own.
    fail("make /$path") unless $rootless;
    open(my $node, '>', $path) or fail("make /$path");
    close $node;
    mount_at("/dev/$name", $path, 'none', $BIND, '');
  }
  for my $secret (qw(kcore keys timer_list sysrq-trigger kmsg)) {
    mount_at('dev/null', "proc/$secret", 'none', $BIND, '') if -e "proc/$secret";
  }
  symlink '/proc/self/fd', 'dev/fd';
  symlink "/proc/self/fd/$_->[0]", "dev/$_->[1]" for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
  mkdir 'dev/shm', 01777 and mount_at('tmpfs', 'dev/shm', 'tmpfs', $NOSUID | $NODEV, 'mode=1777,size=64m');
  mkdir 'dev/pts', 0755;
  mount_at('devpts', 'dev/pts', 'devpts', $NOSUID | $NOEXEC, 'newinstance,ptmxmode=0666,mode=0620');
  symlink 'pts/ptmx', 'dev/ptmx';
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
sub wrap { my ($program, $script) = @_; stand_in($program, "#!/bin/sh\n$script") if -e '/bin/sh' }
my $count = 0;
sub stand_in {
  my ($program, $content) = @_;
  return unless is_program($program);
  my $instead = '/dev/.program' . $count++;
  open(my $file, '>', $instead) or fail('open stand-in');
  print $file $content;
  close $file;
  chmod 0755, $instead;
  mount_at($instead, $program, 'none', $BIND, '');
  mount_at('none', $program, 'none', $REMOUNT | $BIND | $RDONLY | $NOSUID | $NODEV, '');
}
# Contents by path; the names of files are paths with % for /.
sub read_folder {
  my ($path) = @_;
  opendir(my $folder, $path) or fail('stand-ins');
  my %content;
  for my $name (grep { /^%/ } readdir $folder) {
    open(my $file, '<', "$path/$name") or fail('stand-ins');
    local $/;
    ($content{$name =~ tr{%}{/}r}) = <$file>;
  }
  return %content;
}
sub hand_out {
  my ($queries) = @_;
  open(my $file, '<', '/dev/.queries') or return;
  while (sysread($file, my $text, 65536)) { syswrite($queries, $text) }
}

# Where no control group can be made: count the processes and what they hold in memory, and end the sandbox. Of each the
# pages that are its own alone: what it shares would count many times.
sub watch {
  my ($processes, $memory) = @_;
  my $over = sub { report("limit $_[0]"); exit 0 };
  $SIG{ALRM} = sub {
    opendir(my $proc, '/proc') or return;
    my @running = grep { /^[0-9]/ } readdir $proc;
    $over->('processes') if $processes && @running > $processes;
    return unless $memory;
    my $pages = 0;
    for my $process (@running) {
      my (undef, $resident, $shared) = split / /, read_line("/proc/$process/statm");
      $pages += $resident - $shared if defined $shared;
    }
    $over->('memory') if $pages * 4096 > $memory;
  };
  my $every = pack('q4', 0, 50_000, 0, 50_000);
  call('setitimer', 0, $every, 0);
}

# What maintainer scripts need, no more: chown, dac_override, fowner, fsetid, kill, setgid, setuid, sys_chroot, setfcap.
my @CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 18, 31);

sub confine {
  my ($memory, $seconds, $filesize, $filter) = @_;
  my %keep = map { $_ => 1 } @CAPABILITIES;
  for my $capability (0 .. 63) {
    next if $keep{$capability};
    last if call('prctl', $CAPBSET_DROP, $capability, 0, 0, 0) < 0;
  }
  my $mask = 0;
  $mask |= 1 << $_ for @CAPABILITIES;
  # RLIMIT_CPU 0, FSIZE 1, DATA 2 (of one process; between one count of all and the next), CORE 4, NOFILE 7 (the soft value Debian's own tools expect)
  my @data = $memory ? ([2, 2 * $memory, 2 * $memory]) : ();
  for my $limit ([0, $seconds, $seconds], [1, $filesize, $filesize], @data, [4, 0, 0], [7, 1024, 4096]) {
    my $values = pack('QQ', $limit->[1], $limit->[2]);
    must('resource limit', 'prlimit64', 0, $limit->[0], $values, 0);
  }
  # Whoever started us may be in other groups; without subordinate ids the kernel forbids to leave them.
  $) = '0 0';
  my $header = pack('LL', 0x20080522, 0);
  my $data = pack('L6', $mask & 0xffffffff, $mask & 0xffffffff, 0, 0, 0, 0);
  must('no_new_privs', 'prctl', $NO_NEW_PRIVS, 1, 0, 0, 0);
  filter($filter);
  must('capset', 'capset', $header, $data);
}

# The program is made by seccomp/assemble.ts: a default-deny list.
sub filter {
  my ($digits) = @_;
  my $code = pack('H*', $digits);
  my $length = length($code) / 8;
  fail('seccomp', 'no filter') unless $length && $length == int $length;
  my $argument = pack('S x6 P', $length, $code);
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
