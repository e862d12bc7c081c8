import type { OrGroup, PackageRelations, Relation } from '../types.ts';

/** Dependencies of one package that are looked at; the largest meta packages have a few hundred. */
const MAX_DEPENDENCIES = 20_000;

const OPERATORS: Readonly<Record<string, NonNullable<Relation['operator']>>> = {
  '<': '<<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>': '>>',
};

/** One word of a dependency list, `[!]name[@tag][operator version]`. */
export interface ApkDependency extends Relation {
  /** `!name`: must not be installed. */
  readonly conflict: boolean;
  /** `name~1.2`: any version that begins so; it has no word in a Relation. */
  readonly fuzzy?: string;
  /** `name><Q1…`: the very package with that checksum, hexadecimal. */
  readonly checksum?: string;
  /** `name@tag`: from the repository that the root's owner gave this tag. */
  readonly tag?: string;
}

/** Undefined for a word that is no dependency. */
export function parseDependency(word: string): ApkDependency | undefined {
  const match = /^(!?)([^<>=~@]+)(?:@([^<>=~]*))?(?:([<>=~]+)(.+))?$/.exec(word);
  const [, bang, name, tag, operator = '', version] = match ?? [];
  if (name === undefined) return undefined;
  const plain = { name, conflict: bang === '!', ...(tag === undefined ? {} : { tag }) };
  if (version === undefined) return plain;
  if (operator === '><') return { ...plain, checksum: Buffer.from(version.slice(2), 'base64').toString('hex') };
  if (operator.includes('~')) return { ...plain, fuzzy: version };
  const known = OPERATORS[operator];
  return known === undefined ? plain : { ...plain, operator: known, version };
}

/** The words of `D:`, `p:`, `i:`, `r:` and of etc/apk/world. */
export function parseDependencies(text: string | undefined): readonly ApkDependency[] {
  if (text === undefined || text === '') return [];
  const list = text.split(/[ \n]+/).slice(0, MAX_DEPENDENCIES);
  return list.flatMap((word) => parseDependency(word) ?? []);
}

const relationOf = ({ name, operator, version }: ApkDependency): Relation =>
  operator === undefined || version === undefined ? { name } : { name, operator, version };
const NONE: readonly never[] = [];

/** Text of a record's lists of dependencies, undefined where it has none. */
export interface ApkRelationTexts {
  readonly depends: string | undefined;
  readonly provides: string | undefined;
  readonly installIf?: string | undefined;
}

/** `D:`, `p:` and `i:` of a record. Parsed when first asked for: an index has tens of thousands of packages. */
export class ApkRelations implements PackageRelations {
  readonly texts: ApkRelationTexts;
  /** `k:`: which of several providers of a name without version is taken; 0 where none is by itself. */
  readonly providerPriority: number;
  #parsed: readonly ApkDependency[] | undefined;
  #provided: readonly ApkDependency[] | undefined;

  constructor(texts: ApkRelationTexts, providerPriority = 0) {
    this.texts = texts;
    this.providerPriority = providerPriority;
  }

  /** With conflicts, in the order written. */
  get all(): readonly ApkDependency[] {
    this.#parsed ??= parseDependencies(this.texts.depends);
    return this.#parsed;
  }

  get provided(): readonly ApkDependency[] {
    this.#provided ??= parseDependencies(this.texts.provides);
    return this.#provided;
  }

  /** Installed by itself where all of these are; empty: never. */
  get installIf(): readonly ApkDependency[] {
    return parseDependencies(this.texts.installIf);
  }

  get depends(): readonly OrGroup[] {
    return this.all.filter(({ conflict }) => !conflict).map((one) => [relationOf(one)]);
  }

  get conflicts(): readonly OrGroup[] {
    return this.all.filter(({ conflict }) => conflict).map((one) => [relationOf(one)]);
  }

  get provides(): readonly Relation[] {
    return this.provided.map(relationOf);
  }

  readonly preDepends = NONE;
  readonly recommends = NONE;
  readonly breaks = NONE;
  readonly replaces = NONE;
}
