import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { debianPrograms } from './debian-programs.ts';

/** Files of a package that is to hold real programs: path in the image → where they lie here, or a link's target. */
export type RealFiles = Readonly<Record<string, { readonly file: string } | { readonly link: string }>>;

/** A shell and the C library of one Debian release. */
export interface RealPackages {
  readonly libc: RealFiles;
  readonly busybox: RealFiles;
  /** What the library and the shell say of themselves. */
  readonly says: readonly RegExp[];
}

const LIBRARIES = 'usr/lib/x86_64-linux-gnu';
const LOADER = 'usr/lib64/ld-linux-x86-64.so.2';

/** What a folder that another distribution's packages have stands in for: merged, as everywhere today. */
export const MERGED: RealFiles = Object.fromEntries(
  ['bin', 'lib', 'lib64'].map((name) => [name, { link: `usr/${name}` }]),
);

/**
 * The same two packages of Debian 11 and 13, so that an update changes the C library under its own feet: from a static
 * shell to one that the new library alone can start. Undefined where they were not fetched.
 */
export function realPackages(): { readonly before: RealPackages; readonly after: RealPackages } | undefined {
  const { bullseye, trixie } = debianPrograms() ?? {};
  if (bullseye === undefined || trixie === undefined) return undefined;
  const old = join(bullseye, 'lib/x86_64-linux-gnu');
  const now = join(trixie, LIBRARIES);
  return {
    before: {
      libc: {
        ...filesOf(old, ['ld-2.31.so', 'libc-2.31.so', 'libc.so.6', 'libresolv-2.31.so', 'libresolv.so.2']),
        [LOADER]: { link: '/lib/x86_64-linux-gnu/ld-2.31.so' },
      },
      busybox: shell(join(bullseye, 'bin/busybox')),
      says: [/GLIBC 2\.31/, /BusyBox v1\.30\.1/],
    },
    after: {
      libc: {
        ...filesOf(now, ['ld-linux-x86-64.so.2', 'libc.so.6', 'libresolv.so.2']),
        [LOADER]: { link: '../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2' },
      },
      busybox: shell(join(trixie, 'usr/bin/busybox')),
      says: [/GLIBC 2\.41/, /BusyBox v1\.37\.0/],
    },
  };
}

/** Asks both. */
export const ASK = '/lib/x86_64-linux-gnu/libc.so.6; /usr/bin/busybox';

const filesOf = (folder: string, names: readonly string[]): RealFiles =>
  Object.fromEntries(
    names.map((name) => {
      const file = join(folder, name);
      const entry = lstatSync(file).isSymbolicLink() ? { link: readlinkSync(file) } : { file };
      return [`${LIBRARIES}/${name}`, entry];
    }),
  );

const shell = (file: string): RealFiles => ({
  'usr/bin/busybox': { file },
  ...Object.fromEntries(['sh', 'cat'].map((name) => [`usr/bin/${name}`, { link: 'busybox' }])),
});

/** As a package of apk has them. */
export const apkFiles = (files: RealFiles) =>
  Object.fromEntries(
    Object.entries(files).map(([path, entry]) => [
      path,
      'link' in entry ? entry : { content: readFileSync(entry.file), mode: lstatSync(entry.file).mode & 0o777 },
    ]),
  );

/** As a spec file of rpm installs and lists them. */
export const rpmFiles = (
  files: RealFiles,
): { readonly install: readonly string[]; readonly listed: readonly string[] } => ({
  install: Object.entries(files).flatMap(([path, entry]) => [
    `mkdir -p "$(dirname %{buildroot}/${path})"`,
    'link' in entry
      ? `ln -s ${entry.link} %{buildroot}/${path}`
      : `cp ${entry.file} %{buildroot}/${path}; touch -d @1700000000 %{buildroot}/${path}`,
  ]),
  listed: Object.keys(files).map((path) => `/${path}`),
});
