import { distroError } from '../errors.ts';
import type { OrGroup, PackageRelations, Relation } from '../types.ts';

/** Bytes of one relation field (the largest real one has under 100 KiB). */
export const MAX_RELATION_LENGTH = 2 * 1024 * 1024;

export interface RelationOptions {
  /** Drops alternatives whose `[architecture list]` excludes this one; without it lists are ignored. */
  readonly architecture?: string;
  /** Active build profiles, for `<restriction formulas>`; none by default. */
  readonly profiles?: readonly string[];
}

const NONE: readonly never[] = Object.freeze([]);

const ALTERNATIVE =
  /^\s*([A-Za-z0-9][A-Za-z0-9+.\-_]*)(?::([A-Za-z0-9][A-Za-z0-9-]*))?\s*(?:\(\s*(<<|<=|>=|>>|=|<|>)\s*([^\s()<>=]+)\s*\))?\s*(?:\[([^\][]*)\])?\s*((?:<[^<>]*>\s*)*)$/;

/** `<` and `>` are the old spellings of `<=` and `>=` (policy 7.1), which dpkg still reads so. */
const OPERATORS: Readonly<Record<string, NonNullable<Relation['operator']>>> = {
  '<<': '<<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>>': '>>',
  '<': '<=',
  '>': '>=',
};

/** `any`, `linux-any`, `any-arm64`, `amd64` against a real architecture name (deb-src-control(5)). */
function architectureMatches(pattern: string, architecture: string): boolean {
  if (pattern === 'any' || pattern === architecture) return true;
  const dash = architecture.indexOf('-');
  const system = dash < 0 ? 'linux' : architecture.slice(0, dash);
  const cpu = architecture.slice(dash + 1);
  return pattern === `${system}-any` || pattern === `any-${cpu}` || pattern === `${system}-${cpu}`;
}

function architectureApplies(list: string | undefined, architecture: string | undefined): boolean {
  if (list === undefined || architecture === undefined) return true;
  const patterns = list.trim().split(/\s+/);
  const negative = patterns[0]?.startsWith('!') === true;
  const named = patterns.some((pattern) => architectureMatches(pattern.replace(/^!/, ''), architecture));
  return named !== negative;
}

/** Formulas are alternatives; terms within one must all hold (policy 7.1, build profiles). */
function profileApplies(formulas: string, profiles: readonly string[]): boolean {
  if (formulas === '') return true;
  return [...formulas.matchAll(/<([^<>]*)>/g)].some(([, terms = '']) =>
    terms
      .trim()
      .split(/\s+/)
      .every((term) => (term.startsWith('!') ? !profiles.includes(term.slice(1)) : profiles.includes(term))),
  );
}

/** The parsed alternative, or undefined where its architecture list or profile rules it out. */
function parseAlternative(text: string, options: RelationOptions): Relation | undefined {
  const match = ALTERNATIVE.exec(text);
  if (match === null) {
    throw distroError(
      'DISTRO_RELATION_INVALID',
      `not a package relation: ${JSON.stringify(text.trim().slice(0, 200))}`,
    );
  }
  const [, name = '', qualifier, operator, version, architectures, formulas = ''] = match;
  if (!architectureApplies(architectures, options.architecture)) return undefined;
  if (!profileApplies(formulas.trim(), options.profiles ?? NONE)) return undefined;
  return {
    name,
    ...(qualifier === undefined ? {} : { qualifier }),
    ...(operator === undefined || version === undefined
      ? {}
      : { operator: OPERATORS[operator] as NonNullable<Relation['operator']>, version }),
  };
}

/**
 * A relation field: groups that must all hold, each a list of alternatives, first preferred.
 * Empty groups (doubled or trailing commas, which dpkg forgives) are left out.
 *
 * @throws DISTRO_RELATION_INVALID, DISTRO_CONTROL_LIMIT
 * @see https://www.debian.org/doc/debian-policy/ch-relationships.html
 */
export function parseRelations(text: string, options: RelationOptions = {}): readonly OrGroup[] {
  if (text === '') return NONE;
  if (text.length > MAX_RELATION_LENGTH) {
    throw distroError('DISTRO_CONTROL_LIMIT', `a relation field has ${text.length} characters`);
  }
  const groups: OrGroup[] = [];
  for (const part of text.split(',')) {
    if (part.trim() === '') continue;
    const group: Relation[] = [];
    for (const alternative of part.includes('|') ? part.split('|') : [part]) {
      const relation = parseAlternative(alternative, options);
      if (relation !== undefined) group.push(relation);
    }
    if (group.length > 0) groups.push(group);
  }
  return groups;
}

/** A Provides field: no alternatives. */
export function parseProvides(text: string): readonly Relation[] {
  return text === '' ? NONE : parseRelations(text).flat();
}

const relationText = (relation: Relation): string => {
  const name = relation.qualifier === undefined ? relation.name : `${relation.name}:${relation.qualifier}`;
  return relation.operator === undefined ? name : `${name} (${relation.operator} ${relation.version})`;
};

/** The canonical text of a relation field: what dpkg writes into its database. */
export function formatRelations(groups: readonly OrGroup[]): string {
  return groups.map((group) => group.map(relationText).join(' | ')).join(', ');
}

/** Field texts in the order of LazyRelations' constructor. */
export const RELATION_FIELDS = [
  'Depends',
  'Pre-Depends',
  'Recommends',
  'Conflicts',
  'Breaks',
  'Replaces',
  'Provides',
  'Suggests',
  'Enhances',
] as const;

/** Tolerant: a foreign index's one unreadable relation must not take the whole repository away from the reader. */
function readable(text: string): readonly OrGroup[] {
  try {
    return parseRelations(text);
  } catch {
    const groups: OrGroup[] = [];
    for (const part of text.split(',')) {
      try {
        groups.push(...parseRelations(part));
      } catch {
        // An unreadable dependency can be met by nothing: keep it as a name no package can have.
        groups.push([{ name: part.trim().slice(0, 200) }]);
      }
    }
    return groups;
  }
}

/** Relations of one package, each field parsed when first asked for: a full index has 60,000 of them, few are read. */
export class LazyRelations implements PackageRelations {
  #texts: readonly string[] | string;
  #parsed: (readonly OrGroup[] | undefined)[] | undefined;
  #provides: readonly Relation[] | undefined;

  /** Texts in the order of RELATION_FIELDS, '' where absent; or the same joined by tabs, split when first needed. */
  constructor(texts: readonly string[] | string) {
    this.#texts = texts;
  }

  #field(index: number): readonly OrGroup[] {
    // Not allocated before it is needed: an index has 60,000 of these.
    this.#parsed ??= [];
    const known = this.#parsed[index];
    if (known !== undefined) return known;
    if (typeof this.#texts === 'string') this.#texts = this.#texts.split('\t');
    const text = this.#texts[index] ?? '';
    const groups = text === '' ? NONE : readable(text);
    this.#parsed[index] = groups;
    return groups;
  }

  /** Does any field's text contain this? A cheap no before anything is parsed. */
  containsText(text: string): boolean {
    const texts = this.#texts;
    return typeof texts === 'string' ? texts.includes(text) : texts.some((field) => field.includes(text));
  }

  get depends(): readonly OrGroup[] {
    return this.#field(0);
  }
  get preDepends(): readonly OrGroup[] {
    return this.#field(1);
  }
  get recommends(): readonly OrGroup[] {
    return this.#field(2);
  }
  get conflicts(): readonly OrGroup[] {
    return this.#field(3);
  }
  get breaks(): readonly OrGroup[] {
    return this.#field(4);
  }
  get replaces(): readonly OrGroup[] {
    return this.#field(5);
  }
  get provides(): readonly Relation[] {
    this.#provides ??= this.#field(6).flat();
    return this.#provides;
  }

  get suggests(): readonly OrGroup[] {
    return this.#field(7);
  }
  get enhances(): readonly OrGroup[] {
    return this.#field(8);
  }

  /** Getters are not own properties; this keeps JSON and logs complete. */
  toJSON(): PackageRelations {
    const { depends, preDepends, recommends, conflicts, breaks, replaces, provides } = this;
    return { depends, preDepends, recommends, conflicts, breaks, replaces, provides };
  }
}
