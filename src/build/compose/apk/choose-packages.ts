import {
  type ApkSolution,
  createApkUniverse,
  isNamed,
  type RepositoryPackage,
  type RepositorySnapshot,
  solveApk,
} from '../../../distro/index.ts';
import type { Recipe } from '../../../recipe/index.ts';
import { distributionFor } from '../base-distribution.ts';
import { composeError } from '../errors.ts';
import { fittingLock, movableLock } from '../lock-for.ts';
import type { LockedPackage } from '../lock-form.ts';
import { type Draft, draftOf, locked, type ResolveInput, usableOf } from '../resolve.ts';
import type { ComposeRequest } from '../types.ts';
import type { ApkBase } from './base.ts';
import { openApks } from './open-packages.ts';
import { worldOf } from './world.ts';

/**
 * The packages to build from: the lock's where it fits, else chosen anew as apk chooses.
 * @throws COMPOSE_UNSOLVABLE, COMPOSE_LOCK_STALE, COMPOSE_NOT_LOCKED, COMPOSE_HELD, COMPOSE_BASE_MISMATCH
 */
export async function draftApk(request: ComposeRequest, base: ApkBase): Promise<Draft> {
  const fitting = fittingLock(request);
  if (fitting !== undefined) return fitting;
  const { recipe, architecture } = request;
  const distribution = await distributionFor(request);
  const nothingToSolve = request.base !== undefined && (recipe.packages ?? []).length === 0;
  const repositories = nothingToSolve ? [] : await request.repositories(distribution);
  const input: ResolveInput = { recipe, architecture, distribution, repositories, base: request.base, installed: [] };
  if (nothingToSolve) return draftOf(input, []);
  request.progress?.update('resolve', 0, 1, recipe.name);
  const chosen = await choose(request, input, base);
  request.progress?.update('resolve', 1, 1, recipe.name);
  return draftOf(input, chosen);
}

async function choose(request: ComposeRequest, input: ResolveInput, base: ApkBase): Promise<readonly LockedPackage[]> {
  const { update = false, recipe } = request;
  if (typeof update === 'object') return move(request, input, base, update);
  const held = (request.lock?.packages ?? []).filter((item) => isNamed(recipe.hold ?? [], item));
  const { offers } = await openKnown(request, held);
  const names = new Set(held.map(({ name }) => name));
  const others = offered(input).map((snapshot) => only(snapshot, ({ name }) => !names.has(name)));
  const solution = solve(recipe, [...others, ...asSnapshot(offers, input)], base, base.records);
  return changedIn(solution, base, recipe).map(lockedApk);
}

/** Some packages of the lock move to their newest versions, with what these need. */
async function move(
  request: ComposeRequest,
  input: ResolveInput,
  base: ApkBase,
  names: readonly string[],
): Promise<readonly LockedPackage[]> {
  const { packages } = movableLock(request, input);
  const moving = packages.filter((item) => isNamed(names, item));
  for (const name of names) {
    if (packages.some((item) => isNamed([name], item))) continue;
    throw composeError('COMPOSE_NOT_LOCKED', `the lock of ${request.recipe.name} has no package ${name}`, {
      hint: 'Name packages as the lock does, with * and ? for any text, or src: and their origin.',
    });
  }
  const { records, offers } = await openKnown(request, packages);
  const snapshots = [...offered(input), ...asSnapshot(offers, input)];
  const upgrade = new Set(moving.map(({ name }) => name));
  const solution = solve(input.recipe, snapshots, base, [...base.records, ...records], upgrade);
  const byName = new Map(packages.map((item) => [item.name, item]));
  const baseNames = new Set(base.records.map(({ name }) => name));
  refuseBaseChanges(solution, baseNames, input.recipe);
  return solution.changes.flatMap(({ name, to, stays }): readonly LockedPackage[] => {
    if (baseNames.has(name)) return [];
    const before = byName.get(name);
    if (stays) return before === undefined ? [] : [before];
    if (to === undefined) return [];
    if (before !== undefined && isNamed(request.recipe.hold ?? [], before)) {
      throw composeError('COMPOSE_HELD', `${name} is on hold, and would have to become ${to.version}`, {
        hint: 'Take it out of `hold`, or move fewer packages.',
      });
    }
    return [lockedApk(to)];
  });
}

const lockedApk = (item: RepositoryPackage): LockedPackage => ({
  ...locked(item),
  ...(item.identity === undefined ? {} : { identity: item.identity }),
});

async function openKnown(request: ComposeRequest, packages: readonly LockedPackage[]) {
  const opened = await openApks(request, packages);
  return { offers: opened.map((one) => one.opened.offer), records: opened.map((one) => one.opened.record) };
}

const only = (snapshot: RepositorySnapshot, keep: (item: RepositoryPackage) => boolean): RepositorySnapshot => ({
  ...snapshot,
  packages: snapshot.packages.filter(keep),
});

/** What may be chosen: of the distribution's repositories, without what the recipe rules out. */
function offered(input: ResolveInput): readonly RepositorySnapshot[] {
  const { exclude = [] } = input.recipe;
  const usable = usableOf(input);
  return exclude.length === 0 ? usable : usable.map((one) => only(one, (item) => !isNamed(exclude, locked(item))));
}

/** Packages of the lock, wherever they came from: they may be in no index any more. */
function asSnapshot(offers: readonly RepositoryPackage[], input: ResolveInput): readonly RepositorySnapshot[] {
  const { distribution, architecture } = input;
  if (offers.length === 0) return [];
  return [
    {
      ...{ id: 'lock', pocket: 'lock', suite: 'lock', component: 'lock', architecture, packages: offers },
      distribution: distribution as RepositorySnapshot['distribution'],
      ...{ security: false, date: 0, releaseDigest: '', notAutomatic: false },
    },
  ];
}

/** Repositories of the recipe that have a tag, by their snapshots' ids. */
function tagsOf({ repositories = [] }: Recipe, snapshots: readonly RepositorySnapshot[]): ReadonlyMap<string, string> {
  const tags = repositories.flatMap(({ name, tag }) => (tag === undefined ? [] : [[name, tag] as const]));
  return new Map(
    tags.flatMap(([name, tag]) =>
      snapshots.filter(({ id }) => id.includes(`/+${name}/`)).map(({ id }) => [id, tag] as const),
    ),
  );
}

type Solved = Extract<ApkSolution, { kind: 'solved' }>;

function solve(
  recipe: Recipe,
  snapshots: readonly RepositorySnapshot[],
  base: ApkBase,
  installed: ApkBase['records'],
  upgrade: ReadonlySet<string> = new Set(),
): Solved {
  const world = worldOf(recipe, base.world);
  const universe = createApkUniverse(snapshots, tagsOf(recipe, snapshots));
  return solvedOrThrow(recipe.name, solveApk({ universe, installed, world: world.dependencies, upgrade }), base);
}

/** @throws COMPOSE_UNSOLVABLE */
export function solvedOrThrow(name: string, solution: ApkSolution, base: ApkBase): Solved {
  const fail = (why: string): Error =>
    composeError('COMPOSE_UNSOLVABLE', `${name}: the packages asked for do not fit together: ${why}`, {
      hint: 'Ask for other versions, or add a repository that has what is missing.',
    });
  if (solution.kind === 'unsolvable') throw fail(solution.reason);
  const ofBase = new Set(worldOf({ packages: [] }, base.world).dependencies.map((one) => one.name));
  const unknown = solution.ignored.filter((word) => !ofBase.has(word));
  if (unknown.length > 0) throw fail(`no repository has ${unknown.join(', ')}`);
  return solution;
}

/** Layers are only added to a base: what it holds must stay, or the base has to be built again first. */
function refuseBaseChanges({ changes }: Solved, base: ReadonlySet<string>, recipe: Recipe): void {
  const moved = changes.filter(({ name, stays }) => !stays && base.has(name)).map(({ name }) => name);
  if (moved.length === 0) return;
  throw composeError(
    'COMPOSE_BASE_MISMATCH',
    `the base of ${recipe.name} holds other versions than the packages asked for need: ${moved.join(', ')}`,
    { hint: 'Build the base again first.', details: { packages: moved } },
  );
}

function changedIn(solution: Solved, base: ApkBase, recipe: Recipe): readonly RepositoryPackage[] {
  refuseBaseChanges(solution, new Set(base.records.map(({ name }) => name)), recipe);
  return solution.changes.flatMap(({ to }) => to ?? []);
}
