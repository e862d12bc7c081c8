import { digestOf } from '../../oci/index.ts';
import type { Recipe, RecipePin } from '../../recipe/index.ts';
import type { Lock } from './lock-form.ts';
import type { ComposeBase } from './types.ts';

/** Digest over what decides the package set; files, users and config are not part of it. */
export function recipeDigest(recipe: Recipe, architecture: string): string {
  const { distribution, from, packages, recommends, scripts } = recipe;
  const later = laterAsks(recipe);
  return digestOf(
    JSON.stringify([
      distribution ?? null,
      from ?? null,
      packages ?? [],
      recommends ?? false,
      scripts ?? 'run',
      architecture,
      // What came later counts only where it is used, so that older locks stay what they are.
      ...(later.length === 0 ? [] : [later]),
    ]),
  );
}

function laterAsks({ pins = [], exclude = [], repositories = [], asOf }: Recipe): readonly string[] {
  return [
    ...pins.map((pin) => `pin ${pinText(pin)}`),
    ...exclude.map((name) => `exclude ${name}`),
    // Where a repository lies and who signs it says nothing of what is in it: a mirror of it is the same one.
    ...repositories.map(({ name, suite, components = [], tag }) =>
      ['repository', name, ...[suite ?? []].flat(), ...components, ...(tag === undefined ? [] : [`@${tag}`])].join(' '),
    ),
    ...(asOf === undefined ? [] : [`as of ${asOf}`]),
  ];
}

function pinText({ packages, version, repository, suite, component, priority }: RecipePin): string {
  const places = Object.entries({ version, repository, suite, component }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${value}`],
  );
  return `${packages.join(' ')} from ${places.join(' ')} priority ${priority}`;
}

/** The same in words, one line for each thing asked: a lock keeps them, so that drift can be named. */
export function asksOf(recipe: Recipe): readonly string[] {
  const { distribution, from, packages = [], recommends = false, scripts = 'run' } = recipe;
  return [
    ...(distribution === undefined ? [] : [`distribution ${distribution}`]),
    ...(from === undefined ? [] : [`from ${from}`]),
    `recommends ${recommends}`,
    `scripts ${scripts}`,
    ...packages.map((name) => `package ${name}`),
    ...laterAsks(recipe),
  ];
}

/** What makes a lock stale: how what it was made for differs from what is asked now. Empty: it fits. */
export function driftOf(
  lock: Lock,
  recipe: Recipe,
  architecture: string,
  base: ComposeBase | undefined,
): readonly string[] {
  const drift: string[] = [];
  if (lock.architecture !== architecture) drift.push(`it is for ${lock.architecture}, ${architecture} is built`);
  if (lock.base?.digest !== base?.image.digest) {
    const [was, now] = [lock.base?.digest ?? 'no base', base?.image.digest ?? 'no base'];
    drift.push(`the base was ${was} and is ${now}`);
  }
  if (lock.recipe === recipeDigest(recipe, lock.architecture)) return drift;
  const [before, now] = [lock.asks, asksOf(recipe)];
  if (before === undefined) return [...drift, 'the recipe asks for something else'];
  const added = now.filter((line) => !before.includes(line)).map((line) => `now asked for: ${line}`);
  const gone = before.filter((line) => !now.includes(line)).map((line) => `no longer asked for: ${line}`);
  const other = added.length + gone.length === 0 ? ['the recipe asks in another order'] : [];
  return [...drift, ...added, ...gone, ...other];
}
