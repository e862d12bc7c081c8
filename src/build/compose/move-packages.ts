import {
  createUniverse,
  isNamed,
  meetsRequest,
  type PackageRequest,
  type PackageUniverse,
  type RepositoryPackage,
  type Solved,
  solveOrThrow,
} from '../../distro/index.ts';
import { nearest } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import type { Lock, LockedPackage } from './lock-form.ts';
import type { KnownPackages } from './locked-snapshot.ts';
import { reachable } from './reachable.ts';
import { parseRequest, preferencesOf } from './requests.ts';
import {
  type Draft,
  draftOf,
  locked,
  type ResolveInput,
  refuseChangesToBase,
  universeOf,
  usableOf,
  wantsEssential,
} from './resolve.ts';

const asVersion = (item: LockedPackage): { readonly name: string; readonly source: string } => item;

/**
 * Packages of a lock that names and patterns mean.
 * @throws COMPOSE_NOT_LOCKED for one that means none
 */
function namedIn(lock: Lock, names: readonly string[]): ReadonlySet<string> {
  const found = names.flatMap((name) => {
    const matches = lock.packages.filter((item) => isNamed([name], asVersion(item)));
    if (matches.length > 0) return matches.map((item) => item.name);
    const near = nearest(
      name,
      lock.packages.map((item) => item.name),
    );
    throw composeError('COMPOSE_NOT_LOCKED', `${name} is not in the lock, so that it cannot be moved`, {
      hint: near === undefined ? 'Add it to the packages of the recipe.' : `Did you mean ${near}?`,
    });
  });
  return new Set(found);
}

/** What the recipe asks for that the lock does not give: new packages, and versions that no longer fit. */
function unmet(requests: readonly PackageRequest[], packages: readonly RepositoryPackage[]): readonly PackageRequest[] {
  return requests.filter(
    (request) => !packages.some(({ name, version }) => name === request.name && meetsRequest(request, version)),
  );
}

function refuseHeld(input: ResolveInput, lock: Lock, solved: Solved): void {
  const before = new Map(lock.packages.map((item) => [item.name, item]));
  const changed = [...solved.packages.map(({ name }) => name), ...solved.removed].filter((name) => {
    const item = before.get(name);
    return item !== undefined && isNamed(input.recipe.hold ?? [], asVersion(item));
  });
  if (changed.length === 0) return;
  throw composeError('COMPOSE_HELD', `${changed.join(', ')} would have to change, and is on hold`, {
    hint: 'Take it off `hold` in the recipe, or leave what needs it where it is.',
    details: { packages: changed },
  });
}

/** Names that keep a package in the image: what the recipe asks for, under the names of whoever provides it. */
function rootsOf(input: ResolveInput, universe: PackageUniverse): readonly string[] {
  const asked = (input.recipe.packages ?? []).map((text) => parseRequest(text).name);
  const essential = wantsEssential(input) ? universe.forArchitecture(input.architecture).essentialNames() : [];
  return [...asked, ...essential];
}

/**
 * A lock with some packages at their newest version, and all else where it was unless they need it: what `apt-get
 * install NAME` does on a machine that has the lock's packages, and `apt-get autoremove` after it.
 *
 * @param names packages, patterns, or `src:` and a source package
 * @param known the lock's packages with their relations
 * @throws COMPOSE_NOT_LOCKED, COMPOSE_HELD, SOLVE_CONFLICT, SOLVE_UNKNOWN_PACKAGE, COMPOSE_BASE_MISMATCH
 */
export function movePackages(input: ResolveInput, lock: Lock, names: readonly string[], known: KnownPackages): Draft {
  const { recipe, base, installed } = input;
  const moved = namedIn(lock, names);
  const asked = (recipe.packages ?? []).map(parseRequest);
  const open = unmet(asked, known.packages);
  const requests = [
    ...[...moved]
      .filter((name) => !open.some((request) => request.name === name))
      .map((name) => asked.find((request) => request.name === name) ?? { name }),
    ...open,
  ];
  const usable = usableOf(input);
  const universe =
    known.snapshot === undefined ? universeOf(input.repositories, usable) : createUniverse([...usable, known.snapshot]);
  const preferences = preferencesOf(recipe);
  const solved = solveOrThrow({
    universe,
    installed: [...installed, ...known.packages],
    requests,
    architecture: input.architecture,
    recommends: recipe.recommends ?? false,
    essential: false,
    ...(preferences === undefined ? {} : { preferences }),
  });
  const inLock = new Set(known.packages.map(({ name }) => name));
  refuseChangesToBase(
    solved.packages.filter(({ name }) => !inLock.has(name)),
    solved.removed.filter((name) => !inLock.has(name)),
    installed,
    base,
  );
  refuseHeld(input, lock, solved);
  const gone = new Set([...solved.removed, ...solved.packages.map(({ name }) => name)]);
  const all = [...known.packages.filter(({ name }) => !gone.has(name)), ...solved.packages];
  const needed = reachable(all, rootsOf(input, universe), recipe.recommends ?? false);
  return draftOf(input, all.filter(({ name }) => needed.has(name)).map(locked));
}
