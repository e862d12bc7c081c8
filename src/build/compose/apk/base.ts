import { type ApkInstalledRecord, DEFAULT_PROTECTED, parseProtectedPaths } from '../../../distro/index.ts';
import { ApkState } from '../../patch/apk/apk-state.ts';
import { readApkFiles, stateOf } from '../../patch/apk/read-state.ts';
import { canonicalPath } from '../../patch/file-level.ts';
import { type BaseTree, openBaseTree } from '../base-tree.ts';
import { composeError } from '../errors.ts';
import type { ComposeRequest } from '../types.ts';

/** What an apk image stands on. */
export interface ApkBase extends BaseTree {
  readonly records: readonly ApkInstalledRecord[];
  /** Words of etc/apk/world. */
  readonly world: readonly string[];
  /** Folder of the package database. */
  readonly database: string;
  /** `scripts.tar` as apk 2 wants it, or compressed; undefined: there is none yet. */
  readonly scripts: 'scripts.tar' | 'scripts.tar.gz' | undefined;
  /** What apk knows of it, to be changed. */
  state(): ApkState;
}

const DATABASE = 'lib/apk/db';

/** No packages at all: an image from scratch, or one that gets none. */
function nothing(): Omit<ApkBase, keyof BaseTree> {
  const protectedPaths = parseProtectedPaths(DEFAULT_PROTECTED);
  return {
    ...{ records: [], world: [], database: DATABASE, scripts: undefined },
    state: () => new ApkState([], new Map(), new Map(), protectedPaths),
  };
}

/**
 * Reads what the recipe's base holds.
 * @param also paths whose content `entry` will have
 * @throws COMPOSE_BASE_MISMATCH where packages are asked for and apk knows none
 */
export async function openApkBase(request: ComposeRequest, also: readonly string[]): Promise<ApkBase> {
  const { base, recipe } = request;
  const below = await openBaseTree(request, also);
  if (base === undefined || (recipe.packages ?? []).length === 0) return { ...below, ...nothing() };
  const { tree } = below;
  const database = await readApkFiles(base.image, tree).catch((cause: unknown) => {
    throw composeError('COMPOSE_BASE_MISMATCH', `the base ${base.name} has no package database of apk`, {
      cause,
      hint: 'Packages can only be added to an image that apk knows.',
    });
  });
  const world = canonicalPath('etc/apk/world', tree);
  const asked = (await below.files(new Set([world]))).get(world);
  return {
    ...below,
    ...{ records: database.records, database: database.folder },
    world:
      asked === undefined
        ? database.records.map(({ name }) => name)
        : Buffer.from(asked).toString('utf8').split(/\s+/).filter(Boolean),
    scripts: (['scripts.tar', 'scripts.tar.gz'] as const).find((name) => database.files.has(name)),
    state: () => stateOf(database),
  };
}
