import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { digestOf, formatPlatform, hostPlatform, isDigest, type Reference } from '../../oci/index.ts';
import { openImage } from '../../transport/index.ts';
import { type BuildCache, cacheKey, openBuildCache } from './cache/build-cache.ts';
import { readDockerfile } from './dockerfile/read.ts';
import type { Builder, RecipeNames } from './drivers/types.ts';
import { rebuildError } from './errors.ts';
import { type ImportedImage, type ImportFacts, importResult } from './import-result.ts';
import { type ReadDescription, readDescription } from './kiwi/read.ts';
import { formatDockerfileLock, inputsDigest, type PlatformLock, withPlatform } from './lock.ts';
import { closeImages, openImages, type PinnedImage } from './open-images.ts';
import { type OpenedSnapshot, openSnapshot, usableLock } from './open-snapshot.ts';
import { runBuilder } from './run-builder.ts';
import { createSecretSearch, readSecrets } from './secrets.ts';
import type { LockedResource } from './snapshot/types.ts';
import { verifyResources } from './snapshot/verify.ts';
import type { KiwiRequest, RebuildRequest, RebuildTools, RebuiltImage, RecipeRequest, RecipeTools } from './types.ts';

/**
 * Dockerfile → image, by a builder that reaches nothing but a snapshot: images pinned by digest; packages recorded and
 * verified on the first run, from then on served as locked.
 *
 * @throws REBUILD_*, and what opening an image throws
 */
export async function rebuild(request: RebuildRequest, tools: RebuildTools): Promise<RebuiltImage> {
  await checkRequest(request, tools.builder, 'Install buildah and runc (or crun), and run as root.');
  const platform = formatPlatform(request.platform);
  const buildArgs = request.buildArgs ?? {};
  const recipe = readDockerfile(request.dockerfile, {
    buildArgs,
    platform,
    buildPlatform: formatPlatform(hostPlatform()),
  });
  const inputs = inputsDigest({
    recipe: { dockerfile: request.dockerfile },
    buildArgs,
    target: request.target,
    platform,
  });
  const { builder } = tools;
  return buildRecipe({ request, recipe, builder, inputs, called: 'its Dockerfile', tidy: false }, tools);
}

/** The same for a KIWI description, by kiwi. @throws as `rebuild` */
export async function rebuildDescription(
  request: KiwiRequest,
  tools: RecipeTools & { readonly builder: Builder<ReadDescription> },
): Promise<RebuiltImage> {
  const { description, file, profiles = [], ...common } = request;
  const recipe = readDescription(description, profiles);
  const { builder } = tools;
  await checkRequest(request, builder, 'Install kiwi, debootstrap, rsync, skopeo, umoci and runc, and run as root.');
  const platform = formatPlatform(request.platform);
  const inputs = inputsDigest({
    recipe: { description, profiles: recipe.profiles },
    buildArgs: {},
    target: file,
    platform,
  });
  const called = 'its KIWI description';
  return buildRecipe({ request: { ...common, target: file }, recipe, builder, inputs, called, tidy: true }, tools);
}

interface RecipeBuild<Recipe extends RecipeNames> {
  readonly request: RecipeRequest;
  readonly recipe: Recipe;
  readonly builder: Builder<Recipe>;
  /** What a lock is made for. */
  readonly inputs: string;
  readonly called: string;
  /** The builder leaves times and order of files to chance. */
  readonly tidy: boolean;
}

async function buildRecipe<Recipe extends RecipeNames>(
  { request, recipe, builder, inputs, called, tidy }: RecipeBuild<Recipe>,
  tools: RecipeTools,
): Promise<RebuiltImage> {
  const started = performance.now();
  const platform = formatPlatform(request.platform);
  const locked = usableLock(request, inputs);
  const epoch = request.epoch ?? locked?.epoch ?? Math.floor(Date.now() / 1000);
  const secrets = await readSecrets(request.secrets ?? []);
  const opened = await openSnapshot(request, recipe.urls, locked, tools);
  const pinned = await openImages(recipe, platform, locked, tools);
  await mkdir(tools.scratch, { recursive: true });
  // A home may be named from where the command runs; builders run elsewhere.
  const directory = resolve(await mkdtemp(join(tools.scratch, 'rebuild-')));
  try {
    const { snapshot } = opened;
    const images = new Map([...pinned].map(([key, { image }]) => [key, image]));
    const lockOf = (resources: readonly LockedResource[]): PlatformLock => {
      return { platform, inputs, epoch, images: [...pinned.values()].map((one) => one.locked), resources };
    };
    const key = opened.kind === 'locked' ? cacheKey(textOf(lockOf(opened.lock.resources))) : undefined;
    const cache = cacheOf(request, key, directory, tools);
    const run = { request, recipe, builder, images, snapshot, secrets, epoch, directory, cache };
    const made = await runBuilder(run, tools);
    const lock = lockOf(await fetched(opened, tools));
    const search = createSecretSearch(secrets);
    const text = Buffer.from(textOf(lock));
    search.check(text, 'the lock');
    const imported = await importMade(made.image, request, [...pinned.values()], tools, {
      lock: digestOf(text),
      secrets: search,
      renames: renamesOf(made.names, pinned),
      ...(tidy ? { epoch } : {}),
    });
    await cache?.publish(cacheKey(textOf(lock)), search);
    return {
      ...imported,
      strategy: 'rebuild',
      reason: `built from ${called}, ${opened.kind === 'locked' ? 'as locked' : 'and locked'}`,
      baseDigest: baseDigestOf(imported.manifest.annotations),
      changes: [],
      advisoriesFixed: [],
      statistics: { ...imported.statistics, milliseconds: Math.round(performance.now() - started) },
      lock,
      recorded: opened.kind === 'recording',
      refused: snapshot.refusals(),
    };
  } finally {
    await closeImages(pinned);
    await rm(directory, { recursive: true, force: true });
  }
}

const textOf = (lock: PlatformLock): string => formatDockerfileLock(withPlatform(undefined, lock));

function cacheOf(
  { cache: places }: RecipeRequest,
  key: string | undefined,
  directory: string,
  { log }: RecipeTools,
): BuildCache | undefined {
  if (places === undefined || (places.from.length === 0 && places.to === undefined)) return undefined;
  return openBuildCache({ places, key, directory: join(directory, 'cache'), log });
}

async function importMade(
  made: Reference,
  { platform }: RecipeRequest,
  bases: readonly PinnedImage[],
  { store }: RecipeTools,
  facts: ImportFacts,
): Promise<ImportedImage> {
  const result = await openImage(made, made.kind === 'oci' ? { platform } : {});
  try {
    return await importResult(result, bases, store, made.kind === 'oci' ? { ...facts, layout: made.directory } : facts);
  } finally {
    await result.close();
  }
}

/** @throws REBUILD_CONTEXT_INVALID, REBUILD_BUILDER_MISSING */
async function checkRequest(
  { context }: Pick<RecipeRequest, 'context'>,
  builder: Pick<Builder, 'name' | 'missing'>,
  hint: string,
): Promise<void> {
  const facts = await stat(context).catch(() => undefined);
  if (facts?.isDirectory() !== true) {
    throw rebuildError('REBUILD_CONTEXT_INVALID', `the build context ${context} is no folder`, {
      hint: 'Give the folder that COPY and ADD take from with --context.',
    });
  }
  const missing = builder.missing();
  if (missing === undefined) return;
  throw rebuildError('REBUILD_BUILDER_MISSING', `${builder.name} cannot build here: ${missing}`, { hint });
}

/** What the lock will name. @throws REBUILD_SNAPSHOT_UNVERIFIED, REBUILD_SNAPSHOT_LIMIT */
async function fetched(opened: OpenedSnapshot, tools: RecipeTools): Promise<readonly LockedResource[]> {
  if (opened.kind === 'locked') return opened.lock.resources;
  return verifyResources(opened.snapshot.resources(), tools.content, tools.keyrings, tools.log);
}

/** Names that the builder was given for pinned images → those of the Dockerfile. */
function renamesOf(
  names: ReadonlyMap<string, string>,
  pinned: ReadonlyMap<string, PinnedImage>,
): ReadonlyMap<string, string> {
  return new Map([...names].map(([key, name]) => [name, pinned.get(key)?.locked.name ?? name]));
}

function baseDigestOf(annotations: Readonly<Record<string, string>> | undefined) {
  const digest = annotations?.['org.opencontainers.image.base.digest'];
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}
