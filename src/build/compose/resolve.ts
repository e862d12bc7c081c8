import {
  createUniverse,
  type InstalledPackage,
  type PackageRequest,
  type PackageUniverse,
  type RepositoryPackage,
  type RepositorySnapshot,
  solveOrThrow,
} from '../../distro/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import { recipeDigest } from './lock.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import type { ComposeBase } from './types.ts';

/** `name`, `name=version`, `name:architecture` or both, as the recipe schema allows them. */
export function parseRequest(text: string): PackageRequest {
  const [, name = '', architecture, version] = /^([^:=]+)(?::([^=]+))?(?:=(.+))?$/.exec(text) ?? [];
  return {
    name,
    ...(architecture === undefined ? {} : { architecture }),
    ...(version === undefined ? {} : { version }),
  };
}

function locked(item: RepositoryPackage): LockedPackage {
  const { name, version, architecture, source, repository, filename, size, sha256 } = item;
  return { name, version, architecture, source: source.name, repository, filename, size, sha256 };
}

const byName = (a: LockedPackage, b: LockedPackage): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.architecture < b.architecture ? -1 : 1;

/** Does a lock answer what the recipe asks now? Another base can mean other packages, so it must be the same one. */
export function fits(lock: Lock, recipe: Recipe, architecture: string, base: ComposeBase | undefined): boolean {
  return (
    lock.recipe === recipeDigest(recipe, architecture) &&
    lock.architecture === architecture &&
    lock.base?.digest === base?.image.digest
  );
}

/** Indexing 65,000 packages takes longer than solving: done once for all images made from the same repositories. */
const universes = new WeakMap<readonly RepositorySnapshot[], PackageUniverse>();

function universeOf(
  repositories: readonly RepositorySnapshot[],
  usable: readonly RepositorySnapshot[],
): PackageUniverse {
  if (usable.length !== repositories.length) return createUniverse(usable);
  const universe = universes.get(repositories) ?? createUniverse(repositories);
  universes.set(repositories, universe);
  return universe;
}

/**
 * Chooses packages as apt does. With a base, only what it lacks; images without one get the essential packages when
 * maintainer scripts are to run.
 * @throws SOLVE_CONFLICT, SOLVE_UNKNOWN_PACKAGE, COMPOSE_BASE_MISMATCH
 */
export function resolve(
  recipe: Recipe,
  architecture: string,
  distribution: string,
  repositories: readonly RepositorySnapshot[],
  base: ComposeBase | undefined,
  installed: readonly InstalledPackage[],
): Omit<Lock, 'epoch'> {
  const usable = repositories.filter((repository) => repository.distribution === distribution);
  const solved = solveOrThrow({
    universe: universeOf(repositories, usable),
    installed,
    requests: (recipe.packages ?? []).map(parseRequest),
    architecture,
    recommends: recipe.recommends ?? false,
    essential: base === undefined && recipe.scripts !== 'none',
  });
  refuseChangesToBase(solved.packages, solved.removed, installed, base);
  const packages = solved.packages.map(locked).sort(byName);
  const used = new Set(packages.map(({ repository }) => repository));
  return {
    apiVersion: 'heraklit/v1',
    kind: 'Lock',
    recipe: recipeDigest(recipe, architecture),
    distribution,
    architecture,
    ...(base === undefined ? {} : { base: { name: base.name, digest: base.image.digest } }),
    repositories: usable
      .filter(({ id }) => used.has(id))
      .map(({ id, suite, date, releaseDigest }) => ({ id, suite, date, release: releaseDigest }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    packages,
  };
}

/** Layers are only added to a base: what it holds must stay, or the base has to be built again first. */
function refuseChangesToBase(
  packages: readonly RepositoryPackage[],
  removed: readonly string[],
  installed: readonly InstalledPackage[],
  base: ComposeBase | undefined,
): void {
  if (base === undefined) return;
  const held = new Map(installed.map((item) => [item.name, item.version]));
  const upgraded = packages.filter(({ name }) => held.has(name)).map(({ name }) => name);
  const changed = [...upgraded, ...removed];
  if (changed.length === 0) return;
  throw composeError(
    'COMPOSE_BASE_MISMATCH',
    `the base ${base.name} holds other versions than the packages asked for need: ${changed.join(', ')}`,
    { hint: 'Build the base again first.', details: { packages: changed } },
  );
}
