import type { InstalledPackage } from '../types.ts';
import { ApkRelations } from './dependencies.ts';
import { type ApkRecord, numberOf, readRecords, recordText } from './records.ts';

/** Packages of one database, and what was wrong with it. */
export interface ApkDatabase {
  readonly packages: readonly InstalledPackage[];
  /** Installed with errors, as `name (broken script)`. */
  readonly incomplete: readonly string[];
  readonly problems: readonly string[];
}

/** Problems that are spelled out; the rest are counted. */
const MAX_PROBLEMS = 20;

const BROKEN: Readonly<Record<string, string>> = {
  f: 'broken files',
  s: 'broken script',
  x: 'broken extended attributes',
};

/** What an installed package is made from, whichever of the two formats it stands in. */
export interface ApkPackageFacts {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Source package; its version is that of every package made from it. */
  readonly origin: string;
  readonly maintainer: string;
  readonly url: string;
  /** Bytes. */
  readonly installedSize: number;
  readonly depends: string | undefined;
  readonly provides: string | undefined;
  readonly broken: boolean;
}

export function installedPackage(facts: ApkPackageFacts): InstalledPackage {
  const { name, version, architecture, origin, maintainer } = facts;
  return {
    name,
    version,
    architecture,
    source: { name: origin === '' ? name : origin, version },
    essential: false,
    multiArch: 'no',
    relations: new ApkRelations({ depends: facts.depends, provides: facts.provides }),
    installedSize: Math.ceil(facts.installedSize / 1024),
    section: '',
    maintainer,
    homepage: facts.url,
    hold: false,
    configured: !facts.broken,
    conffiles: new Map(),
  };
}

/** Every package once, the later entry counting, as in apk; and at most so many problems. */
export function gathered(
  packages: readonly InstalledPackage[],
  incomplete: readonly string[],
  problems: readonly string[],
): ApkDatabase {
  const byName = new Map(packages.map((one) => [one.name, one]));
  const doubled = packages.length - byName.size;
  const all = doubled === 0 ? problems : [...problems, `${doubled} packages stand there twice; the later entry counts`];
  const more = all.length - MAX_PROBLEMS;
  const told = more > 0 ? [...all.slice(0, MAX_PROBLEMS), `and ${more} more problems`] : all;
  return { packages: [...byName.values()], incomplete, problems: told };
}

function ofRecord(record: ApkRecord): InstalledPackage | undefined {
  const name = record.get('P');
  const version = record.get('V');
  if (name === undefined || name === '' || version === undefined || version === '') return undefined;
  return installedPackage({
    name,
    version,
    architecture: record.get('A') ?? '',
    origin: record.get('o') ?? '',
    maintainer: record.get('m') ?? '',
    url: record.get('U') ?? '',
    installedSize: numberOf(record.get('I')),
    depends: record.get('D'),
    provides: record.get('p'),
    broken: /[fsx]/.test(record.get('f') ?? ''),
  });
}

/**
 * lib/apk/db/installed: what `apk` (2 and 3) keeps of installed packages, as text. A record without name or version is
 * listed, not thrown.
 *
 * @throws DISTRO_CONTROL_LIMIT
 */
export function readInstalled(bytes: Uint8Array, what = 'the package database'): ApkDatabase {
  const problems: string[] = [];
  const packages: InstalledPackage[] = [];
  const incomplete: string[] = [];
  const report = ({ line, text }: { line: number; text: string }): number =>
    problems.push(`line ${line} is no field: ${JSON.stringify(text)}`);
  for (const record of readRecords(bytes, what, report)) {
    const installed = ofRecord(record);
    if (installed === undefined) {
      problems.push(
        `a record has no ${record.has('P') ? 'version' : 'name'}: ${record.get('P') ?? record.get('V') ?? ''}`,
      );
      continue;
    }
    packages.push(installed);
    const broken = [...(record.get('f') ?? '')].flatMap((flag) => BROKEN[flag] ?? []);
    if (broken.length > 0) incomplete.push(`${installed.name} (${broken.join(', ')})`);
  }
  return gathered(packages, incomplete, problems);
}

/**
 * Which package owns each file of an installed database (v2): path below the root → package name.
 * @throws DISTRO_CONTROL_LIMIT
 */
export function readOwners(bytes: Uint8Array, what = 'the package database'): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  let name = '';
  let folder = '';
  for (const line of recordText(bytes, what).split('\n')) {
    const value = line.slice(2);
    if (line.startsWith('P:')) name = value;
    else if (line.startsWith('F:')) folder = value === '' ? '' : `${value}/`;
    else if (line.startsWith('R:') && name !== '') owners.set(folder + value, name);
    else if (line === '') [name, folder] = ['', ''];
  }
  return owners;
}
