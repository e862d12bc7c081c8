/**
 * First process of a build's own network, where nothing but its loopback exists: what connects to the proxy's port
 * there comes out at a Unix socket, behind which this process answers. Names that are looked up all the same do not
 * exist; each is told on descriptor 3. When standard input ends, so does everything. Started inside new network and process namespaces, so that all of the build ends
 * with it. Perl, because perl-base is on every Debian, and sockets that were opened in another network namespace cannot
 * be handed to Node.
 *
 * Arguments: PORT SOCKET PROGRAM ARGUMENT…
 */
export const RELAY = String.raw`
use strict;
use Socket;
my ($port, $path, @command) = @ARGV;
open(my $report, '>&=', 3) or die "no report descriptor\n";
fcntl($report, 2, 1);
$0 = 'heraklit-build-network';
# SIOCGIFFLAGS, SIOCSIFFLAGS: lo up
socket(my $control, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
my $request = pack('a16 s x22', 'lo', 0);
ioctl($control, 0x8913, $request) or die "loopback: $!\n";
my (undef, $flags) = unpack('a16 s', $request);
$request = pack('a16 s x22', 'lo', $flags | 1);
ioctl($control, 0x8914, $request) or die "loopback: $!\n";

socket(my $listener, AF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
bind($listener, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "port $port: $!\n";
listen($listener, 512) or die "listen: $!\n";
socket(my $names, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
bind($names, pack_sockaddr_in(53, INADDR_LOOPBACK)) or undef $names;

my $builder = fork();
defined $builder or die "fork: $!\n";
if ($builder == 0) {
  close $listener; close $report;
  open(STDIN, '<', '/dev/null');
  exec { $command[0] } @command or die "$command[0]: $!\n";
}
my $status;
$SIG{CHLD} = sub { };
sub reap {
  while ((my $pid = waitpid(-1, 1)) > 0) { $status = $? if $pid == $builder }
}
while (!defined $status) {
  my $wanted = '';
  vec($wanted, fileno($listener), 1) = 1;
  vec($wanted, fileno($names), 1) = 1 if $names;
  vec($wanted, fileno(STDIN), 1) = 1;
  my $ready = select(my $got = $wanted, undef, undef, 1);
  reap();
  next if $ready <= 0;
  # Whoever started this is gone: so is the build.
  exit 125 if vec($got, fileno(STDIN), 1) && !sysread(STDIN, my $ignored, 4096);
  name_asked() if $names && vec($got, fileno($names), 1);
  if (vec($got, fileno($listener), 1)) {
    accept(my $client, $listener) or next;
    my $pid = fork();
    if (defined $pid && $pid == 0) { close STDIN; close $listener; close $names if $names; relay($client); exit 0 }
    close $client;
  }
}
close $report;
if ($status & 127) { exit 128 + ($status & 127) }
exit $status >> 8;

# RFC 1035: the question comes back, with the answer that there is no such name.
sub name_asked {
  my $from = recv($names, my $query, 1500, 0);
  return if !defined $from || length $query < 17;
  my ($at, @labels) = (12);
  while ($at < length $query) {
    my $length = ord substr($query, $at, 1);
    last if $length == 0 || $length > 63;
    push @labels, substr($query, $at + 1, $length);
    $at += $length + 1;
  }
  my $name = join '.', @labels;
  $name =~ s/[^A-Za-z0-9._-]/?/g;
  syswrite($report, substr($name, 0, 253) . "\n");
  my ($id, undef, $questions) = unpack('nnn', $query);
  send($names, pack('nnnnnn', $id, 0x8183, $questions, 0, 0, 0) . substr($query, 12, $at + 5 - 12), 0, $from);
}

sub relay {
  my ($client) = @_;
  $SIG{PIPE} = 'IGNORE';
  socket(my $server, AF_UNIX, SOCK_STREAM, 0) or return;
  connect($server, pack_sockaddr_un($path)) or return;
  my %other = (fileno($client) => $server, fileno($server) => $client);
  my %open = (fileno($client) => $client, fileno($server) => $server);
  while (%open) {
    my $wanted = '';
    vec($wanted, $_, 1) = 1 for keys %open;
    select(my $got = $wanted, undef, undef, undef) > 0 or next;
    for my $number (keys %open) {
      next unless vec($got, $number, 1);
      my $bytes = sysread($open{$number}, my $data, 262144);
      if (!$bytes) { shutdown($other{$number}, 1); delete $open{$number}; next }
      my $sent = 0;
      while ($sent < $bytes) {
        my $written = syswrite($other{$number}, $data, $bytes - $sent, $sent);
        return unless $written;
        $sent += $written;
      }
    }
  }
}
`;
