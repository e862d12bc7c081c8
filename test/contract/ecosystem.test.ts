import { debEcosystem, ecosystemOf, rpmEcosystem } from '../../src/distro/index.ts';
import { RPM_DATABASES } from '../support/rpm-databases.ts';
import { ecosystemContract } from './ecosystem.ts';

const stanza = (name: string, status = ''): string => `Package: ${name}\n${status}Version: 1-1\nArchitecture: amd64\n`;

ecosystemContract({
  ecosystem: debEcosystem,
  files: new Map([
    ['var/lib/dpkg/status', Buffer.from(`${stanza('a', 'Status: install ok installed\n')}\nPackage: broken\nVersi`)],
    ['var/lib/dpkg/status.d/b', Buffer.from(stanza('b'))],
  ]),
  installed: ['a 1-1 amd64', 'b 1-1 amd64'],
  foreignPaths: [
    'var/lib/dpkg/status-old',
    'var/lib/dpkg/status.d/b.md5sums',
    'var/lib/dpkg/status.d/x/y',
    'lib/apk/db',
  ],
  ladder: ['1.0~rc1', '1.0', '1.0-1', '1.0-1+b1', '1:0'],
});

const ndb = 'usr/lib/sysimage/rpm/Packages.db';

ecosystemContract({
  ecosystem: rpmEcosystem,
  // rpm writes packages one after another: without the end of the file the last ones are missing.
  files: new Map([[ndb, RPM_DATABASES[ndb].subarray(0, 10_000)]]),
  installed: ['bash 5.1.8-9.el9 x86_64', 'openssl 1:3.0.7-24.el9 x86_64', 'zlib 1.2.11-40.el9 x86_64'],
  foreignPaths: ['var/lib/rpm/Name', 'var/lib/rpm/Packages.db.lock', 'usr/lib/rpm/macros', 'lib/apk/db'],
  ladder: ['1.0~rc1-1', '1.0-1', '1.0-1.fc42', '1.0-10', '1.0^git1-1', '1.0.1-1', '2-1', '1:0-1'],
});

ecosystemContract({
  ecosystem: ecosystemOf('apk'),
  files: new Map([
    ['lib/apk/db/installed', Buffer.from('C:Q1abc=\nP:a\nV:1-r0\nA:x86_64\n\nP:broken\nVersi')],
    ['usr/lib/apk/db/installed', Buffer.from('P:b\nV:1-r1\nA:noarch\nF:etc\nR:b.conf\n')],
  ]),
  installed: ['a 1-r0 x86_64', 'b 1-r1 noarch'],
  foreignPaths: ['lib/apk/db/scripts.tar', 'lib/apk/db/triggers', 'lib/apk/db/installed.new', 'etc/apk/world'],
  ladder: ['1.0_rc1', '1.0', '1.0-r1', '1.0_git1', '1.0_p1', '1.0a', '1.0.1'],
});

const desc = (name: string): Buffer => Buffer.from(`%NAME%\n${name}\n\n%VERSION%\n1-1\n\n%ARCH%\nx86_64\n`);

ecosystemContract({
  ecosystem: ecosystemOf('alpm'),
  files: new Map([
    ['var/lib/pacman/local/a-1-1/desc', desc('a')],
    ['var/lib/pacman/local/b-1-1/desc', desc('b')],
    ['var/lib/pacman/local/c-1-1/desc', Buffer.from('%NAME%\nc\n\n%VERSI')],
  ]),
  installed: ['a 1-1 x86_64', 'b 1-1 x86_64'],
  foreignPaths: [
    'var/lib/pacman/local/ALPM_DB_VERSION',
    'var/lib/pacman/local/a-1-1/files',
    'var/lib/pacman/sync/core.db',
    'var/lib/pacman/local/desc',
  ],
  ladder: ['1.0beta-1', '1.0rc1-1', '1.0-1', '1.0-2', '1.0.1-1', '1:0.5-1'],
});
