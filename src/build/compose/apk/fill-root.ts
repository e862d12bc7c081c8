import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isHeraklitError } from '../../../base/index.ts';
import { type ApkChange, type ApkFile, createApkUniverse, solveApk } from '../../../distro/index.ts';
import type { LayerItem } from '../../../oci/index.ts';
import { createSandbox } from '../../../runtime/sandbox/index.ts';
import type { ApkRoot } from '../../patch/apk/apk-root.ts';
import type { ApkState } from '../../patch/apk/apk-state.ts';
import { FlatRoot } from '../../patch/apk/flat-root.ts';
import { filesOf } from '../../patch/apk/ownership.ts';
import { SandboxRoot } from '../../patch/apk/sandbox-root.ts';
import { type ApkTransaction, runTransaction, scriptsOf } from '../../patch/apk/transaction.ts';
import { unpackImage } from '../base-image.ts';
import { composeError } from '../errors.ts';
import { takeChanges } from '../normalize.ts';
import type { PlacedPackage } from '../root-split.ts';
import type { ComposeRequest } from '../types.ts';
import { solvedOrThrow } from './choose-packages.ts';
import type { LockedApk } from './open-packages.ts';
import { systemFiles } from './system-files.ts';
import type { FilledRoot, FillInput } from './types.ts';
import { worldOf } from './world.ts';

/** Steps in apk's order; the same for a lock and for a fresh choice. @throws COMPOSE_UNSOLVABLE */
export function stepsOf(
  request: ComposeRequest,
  { base, packages }: Pick<FillInput, 'base' | 'packages'>,
): readonly ApkChange[] {
  const offers = packages.map(({ opened }) => opened.offer);
  const snapshot = { id: 'lock', packages: offers } as unknown as Parameters<typeof createApkUniverse>[0][number];
  const world = worldOf(request.recipe, base.world).dependencies;
  const question = { universe: createApkUniverse([snapshot]), installed: base.records, world };
  const solution = solvedOrThrow(request.recipe.name, solveApk({ ...question, upgrade: new Set() }), base);
  const taken = new Set(solution.changes.flatMap(({ to }) => to?.name ?? []));
  const left = offers.filter(({ name }) => !taken.has(name)).map(({ name }) => name);
  if (left.length === 0) return solution.changes;
  throw composeError('COMPOSE_LOCK_STALE', `the lock of ${request.recipe.name} names packages that nothing needs`, {
    hint: 'Write it anew: heraklit lock RECIPE.',
    details: { packages: left },
  });
}

const transactionOf = (changes: readonly ApkChange[], packages: readonly LockedApk[]): ApkTransaction => ({
  changes,
  opened: new Map(packages.map(({ opened }) => [opened.record.name, opened])),
  hooks: new Map(),
});

/** Do any of the packages bring scripts that have to run? */
export function hasScripts(changes: readonly ApkChange[], { base, packages }: FillInput): boolean {
  return scriptsOf(transactionOf(changes, packages), base.state()).length > 0;
}

/**
 * Installs the packages as apk does, without running anything: nothing is unpacked, and no privileges are needed.
 * @throws COMPOSE_FILE_CONFLICT
 */
export async function fillFlat(
  request: ComposeRequest,
  changes: readonly ApkChange[],
  input: FillInput,
): Promise<FilledRoot> {
  const { base, packages } = input;
  const wanted = new Set(['etc/passwd', 'etc/group']);
  for (const record of base.records) for (const { path } of filesOf(record)) wanted.add(path);
  for (const { opened } of packages) for (const { path } of opened.files) wanted.add(path);
  const there = new Set([...wanted].filter((path) => base.tree.has(path)));
  const root = new FlatRoot(base.tree, await base.files(there));
  const state = base.state();
  await install(request, changes, input, root, state, false);
  return { items: root.items(), placed: packages.map((one) => placedOf(one, state, root)) };
}

/**
 * The same in a sandbox, with scripts and triggers run by the image's own shell.
 * @throws COMPOSE_SCRIPT_FAILED, COMPOSE_FILE_CONFLICT, SANDBOX_*
 */
export async function fillSandbox(
  request: ComposeRequest,
  changes: readonly ApkChange[],
  input: FillInput,
): Promise<readonly LayerItem[]> {
  await mkdir(request.scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(request.scratch, 'sandbox-'));
  try {
    const sandbox = await createSandbox({ mountPoint, ...(request.log ? { log: request.log } : {}) });
    try {
      const below = await sandbox.directory('below');
      if (request.base !== undefined) await unpackImage(request.base.image, below);
      await sandbox.mount(['below']);
      const root = new SandboxRoot(sandbox, {}, request.signal);
      await install(request, changes, input, root, input.base.state(), true);
      return await takeChanges(sandbox.changes());
    } finally {
      await sandbox.close();
    }
  } finally {
    await rmdir(mountPoint);
  }
}

async function install(
  request: ComposeRequest,
  changes: readonly ApkChange[],
  input: FillInput,
  root: ApkRoot,
  state: ApkState,
  runs: boolean,
): Promise<void> {
  try {
    await runTransaction(transactionOf(changes, input.packages), state, root, runs);
  } catch (error) {
    throw inOurWords(error);
  }
  const own = systemFiles(request, input, state, root, runs);
  for (const file of [...own, ...input.sources]) put(root, file);
}

function put(root: ApkRoot, file: ApkFile): void {
  const path = root.real(file.path);
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join('/');
    if (root.entry(folder) !== undefined) continue;
    root.put({ ...file, path: folder, type: 'directory', mode: 0o755, size: 0, content: Buffer.alloc(0) });
  }
  root.put({ ...file, path });
}

/** What goes wrong while packages are installed is told as what it means to a build. */
function inOurWords(error: unknown): unknown {
  if (!isHeraklitError(error, 'PATCH_FAILED', 'PATCH_SCRIPTS_NEEDED')) return error;
  if (error.details.path !== undefined) {
    return composeError('COMPOSE_FILE_CONFLICT', error.message, {
      cause: error,
      hint: 'apk would refuse to install both; leave one out.',
      details: error.details,
    });
  }
  return composeError('COMPOSE_SCRIPT_FAILED', error.message, {
    cause: error,
    hint: '`scripts: none` builds without the packages’ scripts.',
  });
}

/** A package's files at their real places, those aside that another package's took the place of. */
function placedOf({ item, opened }: LockedApk, state: ApkState, root: ApkRoot): PlacedPackage {
  const entries = opened.files.flatMap((file): readonly LayerItem[] => {
    const { content, user: _user, group: _group, ...header } = file;
    if (file.path === '') return [];
    if (file.type !== 'directory' && state.owners.get(file.path) !== item.name) return [];
    const path = root.real(file.path);
    const linkName = file.type === 'hardlink' ? root.real(file.linkName ?? '') : file.linkName;
    const placed = { ...header, path, ...(linkName === undefined ? {} : { linkName }) };
    return [file.type === 'file' ? { header: placed, content } : { header: placed }];
  });
  return { item, entries };
}
