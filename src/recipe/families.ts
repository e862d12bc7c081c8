import { type EcosystemId, familyOfDistribution } from '../distro/index.ts';
import type { Problem } from './problems.ts';
import type { Recipe } from './types.ts';

interface PackageForm {
  readonly pattern: RegExp;
  /** For messages. */
  readonly words: string;
}

const FORMS: Readonly<Partial<Record<EcosystemId, PackageForm>>> = {
  deb: {
    pattern:
      /^[a-z0-9][a-z0-9+.-]+(?::[a-z0-9][a-z0-9-]*)?(?:=[0-9A-Za-z.+:~-]+| ?\((?:<<|<=|=|>=|>>) ?[0-9A-Za-z.+:~-]+(?:, ?(?:<<|<=|=|>=|>>) ?[0-9A-Za-z.+:~-]+)*\))?$/,
    words: 'name, name=version, name (>= version, << version) or name:architecture',
  },
  apk: {
    pattern:
      /^(?:!?[A-Za-z0-9_][\w+.:-]*(?: ?(?:=|~=?|>=?|<=?|>~|<~) ?[0-9][\w.~-]*)?|[A-Za-z0-9_][\w+.:-]*@[\w-]+(?: ?(?:=|~=?|>=?|<=?) ?[0-9][\w.~-]*)?)$/,
    words: 'name, name=version, name~version, name>=version, !name or name@tag',
  },
  rpm: {
    pattern: /^(?:[A-Za-z0-9_][\w+.:~^()-]*(?: (?:=|>=?|<=?) [\w.+:~^-]+)?|\/[\w+./-]+)$/,
    words: 'name, name-version, name.architecture, name >= version or /path',
  },
};

/** The form that a family's packages have in a recipe; any family's where the recipe does not say which it is of. */
function isRequest(text: string, family: EcosystemId | undefined): boolean {
  const own = family === undefined ? undefined : FORMS[family];
  const forms = own === undefined ? Object.values(FORMS) : [own];
  return forms.some((form) => form.pattern.test(text));
}

const problem = (path: Problem['path'], message: string): Problem => ({ path, atKey: false, message });

/** What a recipe says in words of another family than its distribution's. */
export function familyProblems(recipe: Recipe): readonly Problem[] {
  // On a base that is another recipe or image, that one will say.
  const family = recipe.distribution === undefined ? undefined : familyOfDistribution(recipe.distribution);
  const problems: Problem[] = [];
  for (const [index, text] of (recipe.packages ?? []).entries()) {
    if (isRequest(text, family)) continue;
    problems.push(problem(['packages', index], `expected a package: ${FORMS[family ?? 'deb']?.words ?? 'its name'}`));
  }
  problems.push(...repositoryProblems(recipe, family));
  if (family === undefined || family === 'deb') return problems;
  for (const key of ['pins', 'asOf'] as const) {
    if (recipe[key] !== undefined) problems.push(problem([key], 'only recipes of Debian have this'));
  }
  return problems;
}

function repositoryProblems({ repositories = [] }: Recipe, family: EcosystemId | undefined): readonly Problem[] {
  return repositories.flatMap(({ suite, components, tag }, index): readonly Problem[] => {
    const at = ['repositories', index];
    const isDebian = family === 'deb' || (family === undefined && suite !== undefined);
    if (tag !== undefined && (isDebian || family === 'rpm')) {
      return [problem([...at, 'tag'], 'only repositories of apk have a tag')];
    }
    if (!isDebian && (suite !== undefined || components !== undefined)) {
      return [problem(at, '"suite" and "components" are for repositories of Debian; a URL is enough here')];
    }
    if (!isDebian) return [];
    if (suite === undefined) return [problem(at, 'the key "suite" is missing')];
    if (suite.endsWith('/') !== (components === undefined)) {
      return [problem([...at, 'suite'], 'a suite needs "components"; a folder, which ends in /, has none')];
    }
    return [];
  });
}
