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
}

/**
 * A fuzzy operator (`~1.2`: anything that begins so) and a checksum (`><`) have no word in a Relation: the name stays.
 * Undefined for a word that is no dependency.
 */
export function parseDependency(word: string): ApkDependency | undefined {
  const match = /^(!?)([^<>=~@]+)(?:@[^<>=~]*)?(?:([<>=~]+)(.+))?$/.exec(word);
  const [, bang, name, operator = '', version] = match ?? [];
  if (name === undefined) return undefined;
  const conflict = bang === '!';
  const known = OPERATORS[operator];
  if (known === undefined || version === undefined) return { name, conflict };
  return { name, operator: known, version, conflict };
}

function words(text: string | undefined): readonly ApkDependency[] {
  if (text === undefined || text === '') return [];
  const list = text.split(/[ \n]+/).slice(0, MAX_DEPENDENCIES);
  return list.flatMap((word) => parseDependency(word) ?? []);
}

const relationOf = ({ conflict: _, ...relation }: ApkDependency): Relation => relation;
const NONE: readonly never[] = [];

/** `D:` and `p:` of a record. Parsed when first asked for: an index has tens of thousands of packages. */
export class ApkRelations implements PackageRelations {
  readonly #depends: string | undefined;
  readonly #provides: string | undefined;
  #parsed: readonly ApkDependency[] | undefined;

  constructor(depends: string | undefined, provides: string | undefined) {
    this.#depends = depends;
    this.#provides = provides;
  }

  get #all(): readonly ApkDependency[] {
    this.#parsed ??= words(this.#depends);
    return this.#parsed;
  }

  get depends(): readonly OrGroup[] {
    return this.#all.filter(({ conflict }) => !conflict).map((one) => [relationOf(one)]);
  }

  get conflicts(): readonly OrGroup[] {
    return this.#all.filter(({ conflict }) => conflict).map((one) => [relationOf(one)]);
  }

  get provides(): readonly Relation[] {
    return words(this.#provides).map(relationOf);
  }

  readonly preDepends = NONE;
  readonly recommends = NONE;
  readonly breaks = NONE;
  readonly replaces = NONE;
}
