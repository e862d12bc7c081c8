import type { OrGroup, PackageRelations, Relation } from '../types.ts';

const OPERATORS: Readonly<Record<string, NonNullable<Relation['operator']>>> = {
  '<': '<<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>': '>>',
};

/** `name`, `name>=1.2-3`, and of an optional dependency `name: what for`. */
export function parseDependency(text: string): Relation | undefined {
  const [, name, operator = '', version] = /^([^<>=\s:]+)(?:(<=|>=|[<>=])([^\s]*?))?(?:: .*|\s*)$/.exec(text) ?? [];
  if (name === undefined) return undefined;
  const known = OPERATORS[operator];
  return known === undefined || version === undefined || version === '' ? { name } : { name, operator: known, version };
}

const list = (texts: readonly string[] | undefined): readonly Relation[] =>
  (texts ?? []).flatMap((text) => parseDependency(text) ?? []);
const groups = (texts: readonly string[] | undefined): readonly OrGroup[] => list(texts).map((one) => [one]);

/** Relations of a description; parsed when first asked for. */
export class PacmanRelations implements PackageRelations {
  readonly #fields: ReadonlyMap<string, readonly string[]>;

  constructor(fields: ReadonlyMap<string, readonly string[]>) {
    this.#fields = fields;
  }

  get depends(): readonly OrGroup[] {
    return groups(this.#fields.get('DEPENDS'));
  }
  get suggests(): readonly OrGroup[] {
    return groups(this.#fields.get('OPTDEPENDS'));
  }
  get conflicts(): readonly OrGroup[] {
    return groups(this.#fields.get('CONFLICTS'));
  }
  get replaces(): readonly OrGroup[] {
    return groups(this.#fields.get('REPLACES'));
  }
  get provides(): readonly Relation[] {
    return list(this.#fields.get('PROVIDES'));
  }

  readonly preDepends: readonly OrGroup[] = [];
  readonly recommends: readonly OrGroup[] = [];
  readonly breaks: readonly OrGroup[] = [];
}
