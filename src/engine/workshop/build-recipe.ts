import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ComposeBase,
  type ComposedImage,
  type ComposeRequest,
  compose,
  type Lock,
  lockRecipe,
  otherPlatforms,
  platformOf,
} from '../../build/index.ts';
import { type BlobSource, parseReference, type ResolvedImage } from '../../oci/index.ts';
import { type Loaded, loadRecipe, type Recipe } from '../../recipe/index.ts';
import { openImage } from '../../transport/index.ts';
import { workshopError } from './errors.ts';
import { keepLock, readLock } from './lock-file.ts';
import { fileOfLocked } from './locked-file.ts';
import { recipePackages, recipeRepositories } from './recipe-repositories.ts';
import { resolvedFrom, storeOver } from './resolved.ts';
import type { Workshop } from './workshop.ts';

export interface BuildRecipeOptions {
  /** Debian's word: amd64, arm64, … */
  readonly architecture: string;
  /** Refuse to resolve anew: the lock must fit. */
  readonly locked?: boolean;
  /** Resolve anew even where the lock fits: newer packages come in. Names: these packages, with what they need. */
  readonly update?: boolean | readonly string[];
  /** Default: release, updates, security. */
  readonly pockets?: readonly string[];
  /** The caller builds the recipe's other platforms, too. */
  readonly oneOfSeveral?: boolean;
  /** The base, where the caller has it; else it is found from the recipe's `from`. */
  readonly base?: ResolvedImage;
}

export interface BuiltRecipe {
  readonly recipe: Recipe;
  readonly built: ComposedImage;
  /** Readable as an image; layers of a foreign base come from where it lies. */
  readonly image: ResolvedImage;
  readonly lockFile: string;
  close(): Promise<void>;
}

const MAX_BASES = 16;

/** recipe → lock beside it → image in the home's store. A base that is a recipe beside this one is built first. */
export async function buildRecipe(
  path: string,
  options: BuildRecipeOptions,
  workshop: Workshop,
  below: readonly string[] = [],
): Promise<BuiltRecipe> {
  const loaded = await loadRecipe(path);
  const base = await findBase(loaded, options, workshop, [...below, loaded.file]);
  try {
    const lockFile = `${loaded.file}.lock`;
    const built = await composeRecipe(loaded, lockFile, base?.compose, options, workshop);
    await keepLock(lockFile, built.lock);
    const store = await workshop.store();
    const origin: BlobSource = base === undefined ? store : base.compose.image.blobs;
    return {
      recipe: loaded.document,
      built,
      image: resolvedFrom(built, storeOver(store, origin)),
      lockFile,
      close: async () => base?.close(),
    };
  } catch (error) {
    await base?.close();
    throw error;
  }
}

interface OpenBase {
  readonly compose: ComposeBase;
  readonly distribution: string | undefined;
  close(): Promise<void>;
}

async function findBase(
  loaded: Loaded<Recipe>,
  options: BuildRecipeOptions,
  workshop: Workshop,
  below: readonly string[],
): Promise<OpenBase | undefined> {
  const name = loaded.document.from;
  if (name === undefined) return undefined;
  if (options.base !== undefined) {
    return { compose: { name, image: options.base }, distribution: undefined, close: async () => undefined };
  }
  const sibling = join(loaded.directory, `${name}.yaml`);
  if (/^[a-z0-9][a-z0-9._-]*$/.test(name) && existsSync(sibling)) {
    if (below.includes(sibling) || below.length > MAX_BASES) {
      throw workshopError('RECIPE_CYCLE', `the recipe stands on itself: ${[...below, sibling].join(' → ')}`, {
        hint: 'One recipe of the circle must stand on nothing, or on an image that is built elsewhere.',
      });
    }
    const { base: _, ...own } = options;
    const built = await buildRecipe(sibling, own, workshop, below);
    return {
      compose: { name, image: built.image },
      distribution: built.recipe.distribution,
      close: built.close,
    };
  }
  const { signal } = workshop.options;
  const platform = platformOf(options.architecture);
  const image = await openImage(parseReference(name), { platform, ...(signal ? { signal } : {}) });
  return { compose: { name, image }, distribution: undefined, close: () => image.close() };
}

/** One recipe over a base that is at hand; reads the lock and leaves it as it is. */
export async function composeRecipe(
  loaded: Loaded<Recipe>,
  lockFile: string,
  base: ComposeBase | undefined,
  options: BuildRecipeOptions,
  workshop: Workshop,
): Promise<ComposedImage> {
  const others = otherPlatforms(loaded.document, options.architecture);
  if (others.length > 0 && options.oneOfSeveral !== true) {
    const { log } = workshop.options;
    log.warn(`${loaded.document.name}: ${others.join(', ')} is not built here: one machine makes its own platform`);
  }
  return compose(await requestOf(loaded, lockFile, base, options, workshop));
}

async function requestOf(
  loaded: Loaded<Recipe>,
  lockFile: string,
  base: ComposeBase | undefined,
  options: BuildRecipeOptions,
  workshop: Workshop,
): Promise<ComposeRequest> {
  const { home, log, progress, signal } = workshop.options;
  const lock = await readLock(lockFile, options.architecture);
  return {
    recipe: loaded.document,
    directory: loaded.directory,
    architecture: options.architecture,
    repositories: (distribution) => recipeRepositories(loaded, distribution, options, workshop),
    fetchPackage: async (item, abort) =>
      readFile(
        await (await recipePackages(loaded, item.repository, workshop)).fetch(fileOfLocked(item), abort ?? signal),
      ),
    ...(lock === undefined ? {} : { lock }),
    ...(options.locked === undefined ? {} : { locked: options.locked }),
    ...(options.update === undefined ? {} : { update: options.update }),
    ...(base === undefined ? {} : { base }),
    store: await workshop.store(),
    layers: workshop.layerFacts,
    cache: home.cache,
    scratch: home.scratch,
    progress,
    log,
    ...(signal === undefined ? {} : { signal }),
  };
}

export interface LockedRecipe {
  readonly recipe: Recipe;
  readonly before: Lock | undefined;
  readonly lock: Lock;
  readonly lockFile: string;
}

/** recipe → lock beside it, without building; packages are fetched. A base that is a recipe beside this one is built. */
export async function lockRecipeFile(
  path: string,
  options: BuildRecipeOptions,
  workshop: Workshop,
): Promise<LockedRecipe> {
  const loaded = await loadRecipe(path);
  const { update: _, ...ofBase } = options;
  const base = await findBase(loaded, ofBase, workshop, [loaded.file]);
  try {
    const lockFile = `${loaded.file}.lock`;
    const request = await requestOf(loaded, lockFile, base?.compose, options, workshop);
    const lock = await lockRecipe(request);
    await keepLock(lockFile, lock);
    return { recipe: loaded.document, before: request.lock, lock, lockFile };
  } finally {
    await base?.close();
  }
}
