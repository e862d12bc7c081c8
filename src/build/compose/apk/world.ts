import { type ApkDependency, compareNames, parseDependencies } from '../../../distro/index.ts';
import type { Recipe } from '../../../recipe/index.ts';

/** etc/apk/world of an image: what its base asked for, and what the recipe asks for. */
export interface World {
  readonly dependencies: readonly ApkDependency[];
  /** The file, as apk writes it: one word a line, sorted by name. */
  readonly text: string;
}

/** A request in apk's own words: `name >= 1.2` and `name ~ 1.2` may have spaces in a recipe. */
const wordOf = (request: string): string => request.replaceAll(' ', '');

/** @param base words of the base's world; a name that the recipe asks for, too, is as the recipe has it */
export function worldOf({ packages = [] }: Pick<Recipe, 'packages'>, base: readonly string[] = []): World {
  const words = new Map<string, string>();
  for (const word of [...base, ...packages.map(wordOf)]) {
    const [dependency] = parseDependencies(word);
    if (dependency !== undefined) words.set(dependency.name, word);
  }
  const sorted = [...words].sort(([a], [b]) => compareNames(a, b)).map(([, word]) => word);
  return {
    dependencies: parseDependencies(sorted.join(' ')),
    text: sorted.map((word) => `${word}\n`).join(''),
  };
}
