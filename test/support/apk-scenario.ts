import { readFileSync } from 'node:fs';
import type { ApkSpec, ApkTestFile } from '../../src/distro/testing/apk-packages.ts';

/** Debian's busybox-static: the shell of the images. */
export const BUSYBOX = '/bin/busybox';

const OS_RELEASE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n';

const APPLETS = ['ash', 'cat', 'cp', 'echo', 'grep', 'ln', 'ls', 'mkdir', 'rm', 'sed', 'sh', 'sort', 'touch'];

const log = (line: string): string => `#!/bin/sh\necho "$APK_SCRIPT $APK_PACKAGE ${line} $*" >> /etc/history\n`;

function busybox(version: string): ApkSpec {
  const content = readFileSync(BUSYBOX);
  const files: Record<string, ApkTestFile> = {
    'bin/busybox': { content, mode: 0o755 },
    'etc/securetty': `console\ntty1\n# ${version}\n`,
    'usr/share/busybox/version': version,
  };
  return {
    name: 'busybox',
    version,
    files,
    provides: ['/bin/sh', `cmd:sh=${version}`],
    triggers: ['/bin', '/usr/bin', '/sbin', '/usr/share/app*'],
    scripts: {
      'post-install': `#!/bin/busybox sh\nfor applet in ${APPLETS.join(' ')}; do /bin/busybox ln -sf /bin/busybox /bin/$applet; done\n`,
      'post-upgrade': log('busybox'),
      // The order of the folders is apk's own.
      trigger: '#!/bin/sh\nfor folder in "$@"; do echo "$folder"; done | sort >> /etc/triggered\n',
    },
  };
}

const baselayout = (version: string): ApkSpec => ({
  name: 'alpine-baselayout',
  version,
  files: {
    'etc/os-release': OS_RELEASE,
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n',
    'etc/group': 'root:x:0:root\nnobody:x:65534:\n',
    'etc/hostname': `alpine ${version}`,
    'etc/profile': `export VERSION=${version}\n`,
    'etc/shells': '/bin/sh\n',
    'etc/motd': version.startsWith('3.7') ? 'Welcome again\n' : 'Welcome\n',
    'etc/apk/protected_paths.d/own.list': '# ours\n+var/own\n-etc/free\n',
    'var/own/kept': `kept ${version}`,
    'etc/free/taken': `taken ${version}`,
  },
  folders: {
    tmp: 0o1777,
    root: 0o700,
    'var/cache': 0o755,
    'var/cache/misc': 0o755,
    dev: 0o755,
    proc: 0o555,
    sys: 0o555,
  },
});

/** What the owner asks for. */
export const WORLD = ['alpine-baselayout', 'app', 'busybox', 'keeper'];

/** Installed first. */
export const BEFORE: readonly ApkSpec[] = [
  busybox('1.37.0-r9'),
  baselayout('3.6.8-r1'),
  {
    name: 'libfoo1',
    version: '1.0-r0',
    origin: 'foo',
    depends: ['/bin/sh'],
    provides: ['so:libfoo.so.1=1.0'],
    files: { 'usr/lib/libfoo.so.1.0': 'one', 'usr/lib/libfoo.so.1': { link: 'libfoo.so.1.0' } },
    scripts: { 'pre-deinstall': log('leaves'), 'post-deinstall': log('left') },
  },
  {
    name: 'app',
    version: '1.0-r0',
    depends: ['/bin/sh', 'so:libfoo.so.1', 'app-data=1.0-r0'],
    files: {
      'usr/bin/app': '#!/bin/sh\necho one\n',
      'usr/bin/app-old': 'old',
      'etc/app/app.conf': 'color=red\n',
      'etc/app/local.conf': 'local=no\n',
      'etc/app/dropped.conf': 'dropped\n',
      'etc/app/dropped-edited.conf': 'dropped\n',
      'usr/share/app/one/two/deep': 'deep',
      'usr/share/app/same': 'same',
    },
    scripts: { 'post-install': log('installed') },
  },
  {
    name: 'app-data',
    version: '1.0-r0',
    origin: 'app',
    files: { 'usr/share/app-data/moved': 'moved', 'usr/share/app-data/stays': 'one' },
    folders: { 'usr/share/app-data': 0o750 },
  },
  { name: 'keeper', version: '2.0-r0', files: { 'usr/share/shared/keeper': 'x', 'usr/share/shared/taken': 'keeper' } },
  { name: 'unrelated', version: '1-r0', files: { 'usr/lib/unrelated': 'x' } },
];

/** Offered later. */
export const AFTER: readonly ApkSpec[] = [
  busybox('1.37.0-r12'),
  baselayout('3.7.0-r0'),
  {
    name: 'libfoo2',
    version: '2.0-r0',
    origin: 'foo',
    depends: ['/bin/sh'],
    provides: ['so:libfoo.so.2=2.0'],
    files: { 'usr/lib/libfoo.so.2.0': 'two', 'usr/lib/libfoo.so.2': { link: 'libfoo.so.2.0' } },
    scripts: { 'pre-install': log('comes'), 'post-install': log('came') },
  },
  {
    name: 'app',
    version: '1.1-r0',
    depends: ['/bin/sh', 'so:libfoo.so.2', 'app-data=1.1-r0', 'users>=1'],
    files: {
      'usr/bin/app': '#!/bin/sh\necho two\n',
      'usr/bin/app-new': { hardlink: 'usr/bin/app' },
      'etc/app/app.conf': 'color=blue\n',
      'etc/app/local.conf': 'local=maybe\n',
      'etc/app/fresh.conf': 'fresh\n',
      'usr/share/app/same': 'same',
      'usr/share/app/moved': 'now here',
      'usr/share/shared/taken': 'app',
      'var/lib/app/state': { content: 'state', mode: 0o640, user: 'app', uid: 4242 },
    },
    folders: { 'var/lib/app': 0o700 },
    replaces: ['keeper'],
    scripts: { 'pre-upgrade': log('before'), 'post-upgrade': log('after') },
  },
  {
    name: 'app-data',
    version: '1.1-r0',
    origin: 'app',
    files: { 'usr/share/app-data/stays': 'two' },
    folders: { 'usr/share/app-data': 0o755 },
  },
  {
    name: 'users',
    version: '1.0-r0',
    depends: ['/bin/sh'],
    scripts: {
      'pre-install':
        '#!/bin/sh\necho "app:x:777:777::/:/sbin/nologin" >> /etc/passwd\necho "app:x:777:" >> /etc/group\n',
    },
    files: { 'usr/share/users': 'x' },
  },
  { name: 'app-doc', version: '1.1-r0', installIf: ['app=1.1-r0', 'keeper'], files: { 'usr/share/doc/app': 'doc' } },
  { name: 'keeper', version: '2.0-r0', files: { 'usr/share/shared/keeper': 'x', 'usr/share/shared/taken': 'keeper' } },
];

/** What the owner changed in the image since: path → content. */
export const EDITS: Readonly<Record<string, string>> = {
  'etc/app/local.conf': 'local=yes\n',
  'etc/app/dropped-edited.conf': 'edited\n',
  'etc/motd': 'Welcome again\n',
  'etc/hostname': 'mine\n',
  'var/own/kept': 'mine\n',
  'etc/free/taken': 'mine\n',
};
export const REMOVED: readonly string[] = ['etc/shells'];
