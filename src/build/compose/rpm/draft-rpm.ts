import { isNamed } from '../../../distro/index.ts';
import { distributionFor } from '../base-distribution.ts';
import { composeError } from '../errors.ts';
import { fittingLock, movableLock } from '../lock-for.ts';
import type { LockedPackage } from '../lock-form.ts';
import { type Draft, draftOf, type ResolveInput } from '../resolve.ts';
import type { ComposeRequest } from '../types.ts';
import { solveDnf } from './solve-dnf.ts';

/**
 * The packages to build from: the lock's where it fits, else what dnf chooses.
 * @throws COMPOSE_UNSOLVABLE, COMPOSE_LOCK_STALE, COMPOSE_NOT_LOCKED, COMPOSE_BASE_MISMATCH, COMPOSE_NO_TOOL
 */
export async function draftRpm(request: ComposeRequest): Promise<Draft> {
  const { recipe, architecture, base, update = false } = request;
  const fitting = fittingLock(request);
  if (fitting !== undefined) return fitting;
  const distribution = await distributionFor(request);
  const input: ResolveInput = { recipe, architecture, distribution, repositories: [], base, installed: [] };
  if (base !== undefined) {
    if ((recipe.packages ?? []).length === 0) return draftOf(input, []);
    throw composeError('COMPOSE_BASE_MISMATCH', `${recipe.name} adds rpm packages to ${base.name}, which is not done`, {
      hint: 'Name all packages in one recipe without `from`; recipes on an rpm base may add files and users.',
    });
  }
  const whole = { ...input, repositories: await request.repositories(distribution) };
  request.progress?.update('resolve', 0, 1, recipe.name);
  const held = typeof update === 'object' ? staying(request, whole, update) : heldOf(request);
  const chosen = await solveDnf(request, whole, held);
  request.progress?.update('resolve', 1, 1, recipe.name);
  return draftOf(whole, chosen);
}

const heldOf = ({ lock, recipe }: ComposeRequest): readonly LockedPackage[] =>
  (lock?.packages ?? []).filter((item) => isNamed(recipe.hold ?? [], item));

/** All of the lock but what is to move; dnf says so where that does not work out. */
function staying(request: ComposeRequest, input: ResolveInput, names: readonly string[]): readonly LockedPackage[] {
  const { packages } = movableLock(request, input);
  for (const name of names) {
    if (packages.some((item) => isNamed([name], item))) continue;
    throw composeError('COMPOSE_NOT_LOCKED', `the lock of ${request.recipe.name} has no package ${name}`, {
      hint: 'Name packages as the lock does, with * and ? for any text, or src: and their source package.',
    });
  }
  return packages.filter((item) => !isNamed(names, item) || isNamed(request.recipe.hold ?? [], item));
}
