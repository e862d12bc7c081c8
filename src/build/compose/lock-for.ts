import { type InstalledPackage, isNamed, readStatus } from '../../distro/index.ts';
import { driftOf } from './asks.ts';
import { distributionFor } from './base-distribution.ts';
import { type BaseFile, readBaseFiles } from './base-image.ts';
import { BUNDLE_PATH } from './certificates.ts';
import { STATUS_PATH } from './database.ts';
import { composeError } from './errors.ts';
import type { Lock } from './lock-form.ts';
import { knownPackages } from './locked-snapshot.ts';
import { movePackages } from './move-packages.ts';
import { type Draft, type ResolveInput, resolve } from './resolve.ts';
import type { ComposeRequest } from './types.ts';
import { ACCOUNT_PATHS } from './users.ts';

const DATABASE = /^var\/lib\/dpkg\/(?:triggers\/[^/]+|diversions|statoverride)$/;

/** The package database and accounts of the base; nothing is read when the recipe only adds files. */
export async function filesOfBase({ base, recipe }: ComposeRequest): Promise<ReadonlyMap<string, BaseFile>> {
  const needsDatabase = (recipe.packages ?? []).length > 0;
  const needsAccounts = (recipe.users ?? []).length + (recipe.groups ?? []).length > 0;
  const needed = [
    ...(needsDatabase ? [STATUS_PATH] : []),
    ...(needsAccounts ? ACCOUNT_PATHS : []),
    ...((recipe.caCertificates ?? []).length > 0 ? [BUNDLE_PATH] : []),
  ];
  if (base === undefined || needed.length === 0) return new Map();
  const files = await readBaseFiles(base.image, needed, (path) => needsDatabase && DATABASE.test(path));
  if (needsDatabase && !files.has(STATUS_PATH)) {
    throw composeError('COMPOSE_BASE_MISMATCH', `the base ${base.name} has no package database`, {
      hint: 'Packages can only be added to an image that dpkg knows; distroless bases take files only.',
    });
  }
  return files;
}

/**
 * The packages to build from: the lock's where it fits, else chosen anew; see `ComposeRequest` for what is asked.
 * @throws SOLVE_*, COMPOSE_LOCK_STALE, COMPOSE_NOT_LOCKED, COMPOSE_HELD, COMPOSE_BASE_MISMATCH
 */
export async function lockFor(request: ComposeRequest, baseFiles: ReadonlyMap<string, BaseFile>): Promise<Draft> {
  const { recipe, architecture, base, lock } = request;
  const fitting = fittingLock(request);
  if (fitting !== undefined) return fitting;
  const distribution = await distributionFor(request);
  const nothingToSolve = base !== undefined && (recipe.packages ?? []).length === 0;
  const repositories = nothingToSolve ? [] : await request.repositories(distribution);
  const status = baseFiles.get(STATUS_PATH)?.content;
  const installed: readonly InstalledPackage[] =
    status === undefined ? [] : readStatus(status, { what: `the base ${base?.name}` }).packages;
  const input: ResolveInput = { recipe, architecture, distribution, repositories, base, installed };
  request.progress?.update('resolve', 0, 1, recipe.name);
  const draft = nothingToSolve
    ? resolve({ ...input, recipe: { ...recipe, packages: [] }, repositories: [], installed: [] })
    : await choose(request, input, lock);
  request.progress?.update('resolve', 1, 1, recipe.name);
  return draft;
}

/**
 * The lock where it fits and nothing is to move; undefined: packages are to be chosen.
 * @throws COMPOSE_LOCK_STALE where the build is told to keep to a lock that does not fit
 */
export function fittingLock(request: ComposeRequest): Lock | undefined {
  const { recipe, architecture, base, lock, update = false } = request;
  const drift = lock === undefined ? ['there is no lock'] : driftOf(lock, recipe, architecture, base);
  if (lock !== undefined && update === false && drift.length === 0) return lock;
  if (request.locked === true) throw stale(recipe.name, drift);
  return undefined;
}

/**
 * The lock of which some packages are to move.
 * @throws COMPOSE_LOCK_STALE where there is none, or one for another distribution or architecture
 */
export function movableLock(
  { recipe, lock }: ComposeRequest,
  { distribution, architecture }: Pick<ResolveInput, 'distribution' | 'architecture'>,
): Lock {
  if (lock === undefined) throw stale(recipe.name, ['there is no lock']);
  if (lock.distribution === distribution && lock.architecture === architecture) return lock;
  throw stale(recipe.name, [`it is of ${lock.distribution} for ${lock.architecture}`]);
}

async function choose(request: ComposeRequest, input: ResolveInput, lock: Lock | undefined): Promise<Draft> {
  const { update = false, recipe } = request;
  const known = (which: Lock['packages']) => knownPackages(request, which, input.repositories, input.distribution);
  if (typeof update === 'object') {
    const movable = movableLock(request, input);
    return movePackages(input, movable, update, await known(movable.packages));
  }
  const held =
    (recipe.hold ?? []).length === 0 ? [] : (lock?.packages ?? []).filter((item) => isNamed(recipe.hold ?? [], item));
  return held.length === 0 ? resolve(input) : resolve(input, await known(held));
}

function stale(name: string, drift: readonly string[]): Error {
  return composeError('COMPOSE_LOCK_STALE', `the lock of ${name} does not fit: ${drift.join('; ')}`, {
    hint: 'Write it anew: heraklit lock RECIPE, or a build without --locked; and keep the lock file beside the recipe.',
    details: { drift },
  });
}
