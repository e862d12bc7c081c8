import type { InstalledPackage } from '../types.ts';
import { ADB_SCHEMA, readAdb, readBlocks } from './adb-file.ts';
import { infoReader } from './adb-package.ts';
import { type ApkDatabase, gathered, installedPackage } from './installed.ts';

const DATABASE_PACKAGES = 1;
const PACKAGE_INFO = 1;

/**
 * installed.adb: what `apk convdb` makes of an installed database. Each package is a file of values within it.
 * @throws DISTRO_ADB_INVALID
 */
export function readInstalledAdb(bytes: Uint8Array, what = 'the package database'): ApkDatabase {
  const { values } = readAdb(bytes, ADB_SCHEMA.installed, what);
  const packages: InstalledPackage[] = [];
  const problems: string[] = [];
  for (const item of values.slots(values.slots(values.root).get(DATABASE_PACKAGES)).items()) {
    const inner = readBlocks(values.part(item) ?? Buffer.alloc(0), ADB_SCHEMA.package, what).values;
    const info = infoReader(inner)(inner.slots(inner.root).get(PACKAGE_INFO));
    if (info.name === '' || info.version === '') problems.push('a package has no name or no version');
    else packages.push(installedPackage({ ...info, broken: false }));
  }
  return gathered(packages, [], problems);
}
