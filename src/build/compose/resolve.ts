import {
  createUniverse,
  type InstalledPackage,
  type PackageUniverse,
  type Preferences,
  type RepositoryPackage,
  type RepositorySnapshot,
  solveOrThrow,
} from '../../distro/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { asksOf, recipeDigest } from './asks.ts';
import { composeError } from './errors.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import type { KnownPackages } from './locked-snapshot.ts';
import { parseRequest, preferencesOf } from './requests.ts';
import type { ComposeBase } from './types.ts';

export function locked(item: RepositoryPackage): LockedPackage {
  const { name, version, architecture, source, repository, filename, size, sha256 } = item;
  return { name, version, architecture, source: source.name, repository, filename, size, sha256 };
}

const byName = (a: LockedPackage, b: LockedPackage): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.architecture < b.architecture ? -1 : 1;

/** Above 1000: also when a newer version is there already. */
const HELD = 1001;

/** Indexing 65,000 packages takes longer than solving: done once for all images made from the same repositories. */
const universes = new WeakMap<readonly RepositorySnapshot[], PackageUniverse>();

export function universeOf(
  repositories: readonly RepositorySnapshot[],
  usable: readonly RepositorySnapshot[],
): PackageUniverse {
  if (usable.length !== repositories.length) return createUniverse(usable);
  const universe = universes.get(repositories) ?? createUniverse(repositories);
  universes.set(repositories, universe);
  return universe;
}

export interface ResolveInput {
  readonly recipe: Recipe;
  readonly architecture: string;
  readonly distribution: string;
  readonly repositories: readonly RepositorySnapshot[];
  readonly base: ComposeBase | undefined;
  /** What the base holds. */
  readonly installed: readonly InstalledPackage[];
}

/** A lock before the packages were opened. */
export type Draft = Omit<Lock, 'epoch'>;

export const usableOf = ({ repositories, distribution }: ResolveInput): readonly RepositorySnapshot[] =>
  repositories.filter((repository) => repository.distribution === distribution);

/** Images without a base get the essential packages when maintainer scripts are to run. */
export const wantsEssential = ({ base, recipe }: Pick<ResolveInput, 'base' | 'recipe'>): boolean =>
  base === undefined && recipe.scripts !== 'none';

/**
 * Chooses packages as apt does. With a base, only what it lacks.
 * @param held packages of an earlier lock that stay, whatever is newer
 * @throws SOLVE_CONFLICT, SOLVE_UNKNOWN_PACKAGE, COMPOSE_BASE_MISMATCH
 */
export function resolve(input: ResolveInput, held?: KnownPackages): Draft {
  const { recipe, repositories, base, installed } = input;
  const usable = usableOf(input);
  const preferences = holding(preferencesOf(recipe), held?.packages ?? []);
  const solved = solveOrThrow({
    universe:
      held?.snapshot === undefined ? universeOf(repositories, usable) : createUniverse([...usable, held.snapshot]),
    installed,
    requests: (recipe.packages ?? []).map(parseRequest),
    architecture: input.architecture,
    recommends: recipe.recommends ?? false,
    essential: wantsEssential(input),
    ...(preferences === undefined ? {} : { preferences }),
  });
  refuseChangesToBase(solved.packages, solved.removed, installed, base);
  return draftOf(input, solved.packages.map(locked));
}

/** apt pins a package on hold to the version it has. */
function holding(preferences: Preferences | undefined, held: readonly RepositoryPackage[]): Preferences | undefined {
  if (held.length === 0) return preferences;
  const pins = held.map(({ name, version }) => ({ packages: [name], version, priority: HELD }));
  return { pins: [...pins, ...(preferences?.pins ?? [])], excluded: preferences?.excluded ?? [] };
}

/** The lock of these packages. */
export function draftOf(input: ResolveInput, chosen: readonly LockedPackage[]): Draft {
  const { recipe, architecture, distribution, base } = input;
  const packages = chosen.toSorted(byName);
  const used = new Set(packages.map(({ repository }) => repository));
  return {
    apiVersion: 'heraklit/v1',
    kind: 'Lock',
    recipe: recipeDigest(recipe, architecture),
    distribution,
    architecture,
    ...(base === undefined ? {} : { base: { name: base.name, digest: base.image.digest } }),
    asks: asksOf(recipe),
    repositories: usableOf(input)
      .filter(({ id }) => used.has(id))
      .map(({ id, suite, date, releaseDigest }) => ({ id, suite, date, release: releaseDigest }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    packages,
  };
}

/** Layers are only added to a base: what it holds must stay, or the base has to be built again first. */
export function refuseChangesToBase(
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
