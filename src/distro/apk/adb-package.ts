import type { AdbSlots, AdbValue, AdbValues } from './adb-values.ts';

/** Slots of a package's information (apk-tools, apk_adb.h). */
const INFO = {
  name: 1,
  version: 2,
  hashes: 3,
  description: 4,
  architecture: 5,
  license: 6,
  origin: 7,
  maintainer: 8,
  url: 9,
  commit: 10,
  buildTime: 11,
  installedSize: 12,
  fileSize: 13,
  providerPriority: 14,
  depends: 15,
  provides: 16,
  replaces: 17,
  installIf: 18,
} as const;

const DEPENDENCY = { name: 1, version: 2, match: 3 } as const;
const MATCH = { equal: 1, less: 2, greater: 4, fuzzy: 8, conflict: 16 } as const;

/** Package information as an index, a package and a database have it. */
export interface AdbPackageInfo {
  readonly name: string;
  readonly version: string;
  /** Hexadecimal: SHA-256 (or its first 160 bits) of a v3 package's values, SHA-1 of a v2 package's control part. */
  readonly hash: string;
  readonly architecture: string;
  readonly license: string;
  readonly origin: string;
  readonly maintainer: string;
  readonly url: string;
  /** Seconds since the epoch. */
  readonly buildTime: number;
  /** Bytes. */
  readonly installedSize: number;
  /** Bytes of the package file; 0 but in an index. */
  readonly fileSize: number;
  /** In the words of APKINDEX: `musl so:libssl.so.3 !conflicting`. */
  readonly depends: string;
  readonly provides: string;
  readonly replaces: string;
  readonly installIf: string;
  readonly providerPriority: number;
  readonly description: string;
  readonly commit: string;
}

function dependencyText(values: AdbValues, value: AdbValue): string {
  const slots = values.slots(value);
  const name = values.text(slots.get(DEPENDENCY.name));
  const version = values.text(slots.get(DEPENDENCY.version));
  const match = values.int(slots.get(DEPENDENCY.match)) || MATCH.equal;
  const conflict = (match & MATCH.conflict) !== 0 ? '!' : '';
  if (version === '') return conflict + name;
  const less = (match & MATCH.less) !== 0 ? '<' : '';
  const greater = (match & MATCH.greater) !== 0 ? '>' : '';
  const same = (match & MATCH.fuzzy) !== 0 ? '~' : (match & MATCH.equal) !== 0 ? '=' : '';
  return `${conflict}${name}${greater}${less}${same}${version}`;
}

function dependencies(values: AdbValues, value: AdbValue): string {
  const texts: string[] = [];
  for (const item of values.slots(value).items()) texts.push(dependencyText(values, item));
  return texts.join(' ');
}

/** Dependency arrays are shared by many packages: each is put into words once. */
export function infoReader(values: AdbValues): (value: AdbValue) => AdbPackageInfo {
  const known = new Map<AdbValue, string>();
  const list = (value: AdbValue): string => {
    const text = known.get(value) ?? dependencies(values, value);
    known.set(value, text);
    return text;
  };
  return (value) => {
    const slots: AdbSlots = values.slots(value);
    const text = (field: keyof typeof INFO): string => values.text(slots.get(INFO[field]));
    const int = (field: keyof typeof INFO): number => values.int(slots.get(INFO[field]));
    return {
      name: text('name'),
      version: text('version'),
      hash: values.blob(slots.get(INFO.hashes))?.toString('hex') ?? '',
      architecture: text('architecture'),
      license: text('license'),
      origin: text('origin'),
      maintainer: text('maintainer'),
      url: text('url'),
      buildTime: int('buildTime'),
      installedSize: int('installedSize'),
      fileSize: int('fileSize'),
      depends: list(slots.get(INFO.depends)),
      provides: list(slots.get(INFO.provides)),
      replaces: list(slots.get(INFO.replaces)),
      installIf: list(slots.get(INFO.installIf)),
      providerPriority: int('providerPriority'),
      description: text('description'),
      commit: values.blob(slots.get(INFO.commit))?.toString('hex') ?? '',
    };
  };
}
