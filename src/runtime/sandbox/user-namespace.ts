import { accessSync, constants, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { execve } from 'node:process';
import { IDS_OF_AN_IMAGE, idMap, readIdMap, subordinateIds } from './subordinate-ids.ts';

/** Set in the process that has been through `enterUserNamespace`: `entered`, or why it could not. */
const MARK = 'HERAKLIT_USER_NAMESPACE';
const PERL = '/usr/bin/perl';
const HELPERS = ['newuidmap', 'newgidmap'] as const;

/**
 * Makes a user namespace, has its ids mapped by a child that stays outside, and becomes the program it was given. What
 * fails is told in the environment, and the program runs as it would have: most commands need no sandbox.
 *
 * Arguments: system call number of unshare, own user and group id, map of users, map of groups (each blank-separated;
 * empty: the own id alone), program and its arguments.
 */
const ENTER = String.raw`
use strict;
my ($unshare, $uid, $gid, $users, $groups, @program) = @ARGV;
my $why;
my $fail = sub { $why = defined $why ? $why : $_[0] };
pipe(my $ready, my $go) or exit 125;
my $target = $$;
my $helper = fork;
exit 125 unless defined $helper;
if ($helper == 0) {
  close $go;
  exit 3 unless sysread($ready, my $byte, 1);
  exit 0 if $users eq '';
  system('newuidmap', $target, split / /, $users) == 0 or exit 4;
  system('newgidmap', $target, split / /, $groups) == 0 or exit 5;
  exit 0;
}
close $ready;
if (syscall($unshare, 0x10000000) == 0) { syswrite($go, 'x') }
else { $fail->("the kernel refuses user namespaces: $!") }
close $go;
waitpid($helper, 0);
my $status = $? >> 8;
$fail->($status == 4 ? 'newuidmap failed' : 'newgidmap failed') if !defined $why && $status;
if ($users eq '' && !defined $why) {
  for my $line (['setgroups', 'deny'], ['uid_map', "0 $uid 1"], ['gid_map', "0 $gid 1"]) {
    open(my $file, '>', "/proc/self/$line->[0]") or do { $fail->("cannot write $line->[0]: $!"); next };
    defined syswrite($file, $line->[1]) or $fail->("cannot write $line->[0]: $!");
    close $file;
  }
}
# AppArmor and the like may give a user namespace without any rights in it.
$fail->("a user namespace without rights: $!") if !defined $why && !defined((stat '/proc/self/ns/user')[0]);
$ENV{HERAKLIT_USER_NAMESPACE} = defined $why ? $why : 'entered';
exec { $program[0] } @program;
print STDERR "$program[0]: $!\n";
exit 127;
`;

/** linux arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h */
const UNSHARE: Readonly<Record<string, number>> = { x64: 272, arm64: 97 };

/**
 * An ordinary user becomes root of a user namespace of their own, in which sandboxes can be made: this process is
 * replaced by the same program with the same arguments, there. Files it makes are the user's as before; the subordinate
 * ids (subuid(5)) are what an image's other owners are. Does nothing for root, for who is in such a namespace already
 * (`podman unshare`), on other systems, or the second time.
 *
 * @param kind `whole`: not without subordinate ids, where all files of an image would have to be one user's
 */
export function enterUserNamespace(kind: 'any' | 'whole'): void {
  const id = process.getuid?.();
  const unshare = UNSHARE[process.arch];
  if (process.platform !== 'linux' || id === undefined || id === 0 || unshare === undefined) return;
  if (process.env[MARK] !== undefined || execve === undefined || !canRun(PERL)) return;
  const [users, groups] = maps(id, process.getgid?.() ?? id);
  if (kind === 'whole' && users === '') return;
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const own = [String(unshare), String(id), String(process.getgid?.() ?? id), users, groups];
  execve(PERL, ['perl', '-e', ENTER, ...own, ...program], process.env as Record<string, string>);
}

/** What createSandbox tells an ordinary user. */
export function namespaceTrouble(): string | undefined {
  const mark = process.env[MARK];
  if (mark !== undefined && mark !== 'entered') return mark;
  return process.getuid?.() === 0 ? undefined : 'not root, not even of a user namespace';
}

/** Whether this process is root of a user namespace, and with how few ids; undefined: the machine's root. */
export function ownNamespace(): { readonly ids: number; readonly isSmall: boolean } | undefined {
  const { count, isMachine } = readIdMap(readText('/proc/self/uid_map'));
  return isMachine ? undefined : { ids: count, isSmall: count < IDS_OF_AN_IMAGE };
}

function maps(uid: number, gid: number): readonly [string, string] {
  if (!HELPERS.every(isOnPath)) return ['', ''];
  const { username } = userInfo();
  const user = { name: username, id: uid };
  const [users, groups] = [readText('/etc/subuid'), readText('/etc/subgid')].map((text) => subordinateIds(text, user));
  if (users === undefined || groups === undefined || users.length === 0 || groups.length === 0) return ['', ''];
  return [idMap(uid, users).join(' '), idMap(gid, groups).join(' ')];
}

const isOnPath = (name: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => canRun(join(folder, name)));

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
