import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const fixture = (name: string): Buffer =>
  gunzipSync(readFileSync(new URL(`../fixtures/rpm/${name}.gz`, import.meta.url)));

/** Path in a root → the database, as real tools made it (test/fixtures/rpm/README.md). */
export const RPM_DATABASES = {
  'usr/lib/sysimage/rpm/rpmdb.sqlite': fixture('rpmdb.sqlite'),
  'usr/lib/sysimage/rpm/Packages.db': fixture('Packages.db'),
  'var/lib/rpm/Packages': fixture('Packages'),
} as const;

/** What each of them holds: `name version architecture`. */
export const RPM_INSTALLED = [
  'bash 5.1.8-9.el9 x86_64',
  'kernel 5.14.0-1.el9 x86_64',
  'kernel 5.14.0-2.el9 x86_64',
  'openssl 1:3.0.7-24.el9 x86_64',
  'tzdata 2024a-1.el9 noarch',
  'zlib 1.2.11-40.el9 i686',
  'zlib 1.2.11-40.el9 x86_64',
] as const;
