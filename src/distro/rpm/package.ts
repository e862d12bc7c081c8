import type { InstalledPackage, OrGroup, PackageRelations, Relation, SourcePackage } from '../types.ts';
import { type RpmHeader, TAG } from './header.ts';

const LESS = 2;
const GREATER = 4;
const EQUAL = 8;
/** `rpmlib(…)`: what rpm itself must be able to do. */
const RPMLIB = 1 << 24;
const MISSING_OK = 1 << 19;
const CONFIG_FILE = 1;
const GHOST_FILE = 1 << 6;

function operatorOf(flags: number): Relation['operator'] {
  switch (flags & (LESS | GREATER | EQUAL)) {
    case LESS:
      return '<<';
    case LESS | EQUAL:
      return '<=';
    case EQUAL:
      return '=';
    case GREATER | EQUAL:
      return '>=';
    case GREATER:
      return '>>';
    default:
      return undefined;
  }
}

function relationsOf(header: RpmHeader, names: number, versions: number, flags: number): readonly Relation[] {
  const allVersions = header.strings(versions);
  const allFlags = header.numbers(flags);
  return header.strings(names).flatMap((name, index) => {
    const flag = allFlags[index] ?? 0;
    if ((flag & (RPMLIB | MISSING_OK)) !== 0 || name.startsWith('rpmlib(')) return [];
    const operator = operatorOf(flag);
    const version = allVersions[index] ?? '';
    return [operator === undefined || version === '' ? { name } : { name, operator, version }];
  });
}

const groups = (relations: readonly Relation[]): readonly OrGroup[] => relations.map((relation) => [relation]);

/** Read when first asked for: a scan that only counts packages needs none of them. */
class HeaderRelations implements PackageRelations {
  readonly #header: RpmHeader;
  readonly preDepends = [];
  readonly breaks = [];

  constructor(header: RpmHeader) {
    this.#header = header;
  }

  get depends(): readonly OrGroup[] {
    return groups(relationsOf(this.#header, TAG.requireName, TAG.requireVersion, TAG.requireFlags));
  }

  get recommends(): readonly OrGroup[] {
    return groups(relationsOf(this.#header, TAG.recommendName, TAG.recommendVersion, TAG.recommendFlags));
  }

  get conflicts(): readonly OrGroup[] {
    return groups(relationsOf(this.#header, TAG.conflictName, TAG.conflictVersion, TAG.conflictFlags));
  }

  get replaces(): readonly OrGroup[] {
    return groups(relationsOf(this.#header, TAG.obsoleteName, TAG.obsoleteVersion, TAG.obsoleteFlags));
  }

  /** Files of the usual command folders count: `/bin/sh` is asked for by name. */
  get provides(): readonly Relation[] {
    const named = relationsOf(this.#header, TAG.provideName, TAG.provideVersion, TAG.provideFlags);
    const files = filePaths(this.#header).filter((path) => /^\/(?:etc|(?:.*\/)?s?bin)\//.test(path));
    return [...named, ...files.map((name) => ({ name }))];
  }
}

/** Paths of all files, in the header's order. */
export function filePaths(header: RpmHeader): readonly string[] {
  const folders = header.strings(TAG.dirNames);
  const indexes = header.numbers(TAG.dirIndexes);
  return header.strings(TAG.baseNames).map((name, index) => `${folders[indexes[index] ?? -1] ?? '/'}${name}`);
}

function conffilesOf(header: RpmHeader): ReadonlyMap<string, string> {
  const flags = header.numbers(TAG.fileFlags);
  if (!flags.some((flag) => (flag & CONFIG_FILE) !== 0)) return new Map();
  const digests = header.strings(TAG.fileDigests);
  return new Map(
    filePaths(header).flatMap((path, index) => {
      const flag = flags[index] ?? 0;
      const isConfig = (flag & CONFIG_FILE) !== 0 && (flag & GHOST_FILE) === 0;
      return isConfig ? [[path, digests[index] ?? ''] as const] : [];
    }),
  );
}

/** `openssl-3.0.7-24.el9.src.rpm` → openssl 3.0.7-24.el9. Source packages of this family have no epoch in their name. */
export function sourceOf(sourceRpm: string | undefined, name: string, version: string): SourcePackage {
  const match = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(sourceRpm ?? '');
  if (match?.[1] === undefined || match[2] === undefined) return { name, version };
  return { name: match[1], version: match[2] };
}

/** `[epoch:]version-release`; an epoch of 0 is not written, as rpm prints it. */
export function evrOf(header: RpmHeader): string {
  const epoch = header.number(TAG.epoch) ?? 0;
  const evr = `${header.string(TAG.version) ?? ''}-${header.string(TAG.release) ?? ''}`;
  return epoch === 0 ? evr : `${epoch}:${evr}`;
}

/** `nodejs:18:8090020231130:a4f4f3b1` → `nodejs:18`: version and context change with every build of a stream. */
function moduleOf(label: string | undefined): string | undefined {
  return /^[^:]+:[^:]+/.exec(label ?? '')?.[0];
}

/** An installed package, read from its header as it is asked for. */
class InstalledRpm implements InstalledPackage {
  readonly #header: RpmHeader;
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: SourcePackage;
  readonly essential = false;
  readonly multiArch = 'no';
  readonly hold = false;
  readonly configured = true;
  readonly relations: PackageRelations;
  readonly module?: string;

  constructor(header: RpmHeader, name: string) {
    this.#header = header;
    this.name = name;
    this.version = evrOf(header);
    this.architecture = header.string(TAG.arch) ?? '';
    this.source = sourceOf(header.string(TAG.sourceRpm), name, this.version);
    this.relations = new HeaderRelations(header);
    const module = moduleOf(header.string(TAG.modularityLabel));
    if (module !== undefined) this.module = module;
  }

  get installedSize(): number {
    return Math.ceil((this.#header.number(TAG.longSize) ?? this.#header.number(TAG.size) ?? 0) / 1024);
  }

  get section(): string {
    return this.#header.string(TAG.group) ?? '';
  }

  get maintainer(): string {
    return this.#header.string(TAG.vendor) ?? this.#header.string(TAG.packager) ?? '';
  }

  get homepage(): string {
    return this.#header.string(TAG.url) ?? '';
  }

  get conffiles(): ReadonlyMap<string, string> {
    return conffilesOf(this.#header);
  }

  get files(): readonly string[] {
    return filePaths(this.#header);
  }
}

/** @throws Error where the header lacks what every package has */
export function installedRpm(header: RpmHeader): InstalledPackage {
  const name = header.string(TAG.name) ?? '';
  for (const [tag, word] of [
    [TAG.name, 'name'],
    [TAG.version, 'version'],
    [TAG.release, 'release'],
  ] as const) {
    if ((header.string(tag) ?? '') === '') throw new Error(`a package${name === '' ? '' : ` ${name}`} has no ${word}`);
  }
  return new InstalledRpm(header, name);
}
