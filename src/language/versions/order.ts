import type { Ecosystem } from '../types.ts';
import { compareGem, parseGem } from './gem.ts';
import { compareMaven, parseMaven } from './maven.ts';
import { comparePep440, parsePep440 } from './pep440.ts';
import { compareSemver, parseSemver } from './semver.ts';

type Compare = (a: string, b: string) => number;

/** What does not parse comes before all that does, by its text. */
function parsed<T>(parse: (version: string) => T | undefined, compare: (a: T, b: T) => number): Compare {
  return (a, b) => {
    const [left, right] = [parse(a), parse(b)];
    if (left !== undefined && right !== undefined) return compare(left, right);
    if (left === undefined && right === undefined) return a < b ? -1 : a > b ? 1 : 0;
    return left === undefined ? -1 : 1;
  };
}

const semver = parsed(parseSemver, compareSemver);

/** conda's own order differs from Python's in corners alone; Perl's and R's are numbers separated by dots. */
const ORDERS: Readonly<Record<Ecosystem, Compare>> = {
  npm: semver,
  pypi: parsed(parsePep440, comparePep440),
  maven: parsed(parseMaven, compareMaven),
  golang: semver,
  cargo: semver,
  gem: parsed(parseGem, compareGem),
  composer: semver,
  nuget: semver,
  cpan: semver,
  cran: parsed((version) => parseSemver(version.replaceAll('-', '.')), compareSemver),
  hex: semver,
  conda: parsed(parsePep440, comparePep440),
  generic: semver,
};

/** True for the ecosystems of languages, as opposed to a distribution's package formats. */
export function isLanguageEcosystem(ecosystem: string): ecosystem is Ecosystem {
  return Object.hasOwn(ORDERS, ecosystem);
}

/** Negative, 0 or positive: the order of the ecosystem's own package manager; total over any texts. */
export function languageVersionOrder(ecosystem: Ecosystem): Compare {
  return ORDERS[ecosystem];
}
