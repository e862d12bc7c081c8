import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isHeraklitError } from '../../base/index.ts';
import {
  type BuiltImage,
  contentOf,
  formatLock,
  type PackageChange,
  packageArchitecture,
  type Strategy,
} from '../../build/index.ts';
import { inspectImage } from '../../inventory/index.ts';
import { type Digest, digestOf, parseReference, type ResolvedImage } from '../../oci/index.ts';
import { openSources } from '../../source/index.ts';
import { openImage } from '../../transport/index.ts';
import type { BuildPort, BuildRequest } from '../ports.ts';
import { composeRecipe } from '../workshop/build-recipe.ts';
import { workshopError } from '../workshop/errors.ts';
import { keepLock } from '../workshop/lock-file.ts';
import { adopt, openStored } from '../workshop/open-stored.ts';
import { resolvedFrom } from '../workshop/resolved.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { advisoriesOf } from './advisories.ts';
import { type Attempt, made, makeInOrder } from './fall-back.ts';
import type { LoadedFleet } from './load-fleet.ts';
import { packageChanges } from './package-changes.ts';
import { patchReleased, patchUpstream } from './patch-released.ts';
import { basesOf, rebaseChild } from './rebase-child.ts';
import { rebuildDescribed } from './rebuild-described.ts';

/** Makes images of a fleet by the strategy that was planned, and by the next one when that refuses. */
export function buildOf(fleet: LoadedFleet, architecture: string, workshop: Workshop): BuildPort {
  const bases = basesOf(workshop);
  const attempt = async (strategy: Strategy, request: BuildRequest, signal: AbortSignal): Promise<Attempt> => {
    switch (strategy) {
      case 'rebase':
        return rebaseChild(request, bases, workshop);
      case 'patch':
        return patchReleased(request, workshop);
      case 'rebuild':
        return made(await rebuildKept(request, fleet, workshop));
      default:
        return made(await composeImage(request, fleet, architecture, workshop, signal));
    }
  };
  return {
    async build(request, signal) {
      if (request.image.recipe === 'none') return patchUpstream(request, fleet, workshop, signal);
      const built = await makeInOrder(request, (strategy) => attempt(strategy, request, signal));
      return explained(built, fleet, request, architecture, workshop);
    },
    // What heraklit makes itself is the same bytes for the same content.
    holdsSame: async (built, released) => built.strategy === 'rebuild' && sameContent(built, released, workshop),
  };
}

/** Of an image from a source: which files and lock made it, so that it can be made again when both have moved on. */
async function keepBuild(
  { image, source }: BuildRequest['image'],
  fleet: LoadedFleet,
  digest: Digest,
  lock: string,
  workshop: Workshop,
): Promise<void> {
  const entry = fleet.document.images.find(({ name }) => name === image);
  const named = entry?.recipe ?? entry?.dockerfile ?? entry?.kiwi;
  const file = basename((fleet.dockerfiles.get(image) ?? fleet.descriptions.get(image))?.file ?? named ?? '');
  // What is named may be the folder that it lies in.
  const recipe = named === undefined || basename(named) === file ? named : join(named, file);
  if (source === undefined || recipe === undefined) return;
  const { tree, commit } = source;
  const { store } = openSources({ home: workshop.options.home });
  await store.addBuild({ image, digest, tree, recipe, lock, ...(commit === undefined ? {} : { commit }) });
}

/** A rebuild never says who built it of what; a source does. */
async function rebuildKept(request: BuildRequest, fleet: LoadedFleet, workshop: Workshop): Promise<BuiltImage> {
  const { lockText, ...built } = await rebuildDescribed(request, fleet, workshop);
  await keepBuild(request.image, fleet, built.descriptor.digest, lockText, workshop);
  return built;
}

async function composeImage(
  { image, baseDigest }: BuildRequest,
  fleet: LoadedFleet,
  architecture: string,
  workshop: Workshop,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const loaded = fleet.recipes.get(image.image);
  if (loaded === undefined) throw workshopError('RECIPE_GONE', `${image.image} has no recipe in ${fleet.file}`);
  const locks = join(workshop.options.home.root, 'locks');
  await mkdir(locks, { recursive: true });
  const lockFile = join(locks, `${image.image}.lock`);
  const from = loaded.document.from;
  const store = await workshop.store();
  const foreign =
    from !== undefined && image.base === undefined ? await openImage(parseReference(from), { signal }) : undefined;
  try {
    if (foreign !== undefined) await adopt(store, foreign);
    const digest = foreign?.digest ?? baseDigest;
    const composeBase =
      from === undefined || digest === undefined ? undefined : { name: from, image: await openStored(store, digest) };
    const built = await composeRecipe(loaded, lockFile, composeBase, { architecture, update: true }, workshop);
    await keepLock(lockFile, built.lock);
    await keepBuild(image, fleet, built.descriptor.digest, formatLock(built.lock), workshop);
    return { ...built, lockDigest: digestOf(formatLock(built.lock)) };
  } finally {
    await foreign?.close();
  }
}

async function sameContent(built: BuiltImage, released: Digest, workshop: Workshop): Promise<boolean> {
  const store = await workshop.store();
  const before = await contentOf(await openStored(store, released), workshop.layerFacts);
  return (await contentOf(resolvedFrom(built, store), workshop.layerFacts)).digest === before.digest;
}

/** What changed against the released image, and which advisories that fixes: from content, not from how it was built. */
async function explained(
  built: BuiltImage,
  fleet: LoadedFleet,
  request: BuildRequest,
  architecture: string,
  workshop: Workshop,
): Promise<BuiltImage> {
  const store = await workshop.store();
  const before = request.previous === undefined ? undefined : await openStored(store, request.previous);
  const after = resolvedFrom(built, store);
  const changes = await packageChanges(before, after, workshop);
  if (before === undefined) return { ...built, changes };
  const own = distributionOf(fleet, request.image.image);
  if (own !== undefined) {
    const shelf = await workshop.shelf(own, packageArchitecture(own, architecture));
    return { ...built, changes, advisoriesFixed: await advisoriesOf(changes, own, shelf, workshop) };
  }
  return { ...built, changes, advisoriesFixed: await advisoriesInside(after, changes, workshop) };
}

/** Of an image whose recipe does not say what it is made from: by the distribution that is found in it. */
async function advisoriesInside(
  image: ResolvedImage,
  changes: readonly PackageChange[],
  workshop: Workshop,
): Promise<readonly string[]> {
  if (!changes.some(({ from, to }) => from !== undefined && to !== undefined)) return [];
  const { distribution, architecture } = await inspectImage(image, { layerCache: workshop.layerCache });
  if (distribution === undefined) return [];
  try {
    const shelf = await workshop.shelf(distribution.name, architecture);
    return await advisoriesOf(changes, distribution.name, shelf, workshop);
  } catch (error) {
    // Its packages come from elsewhere: nobody here has their changelogs.
    if (isHeraklitError(error, 'FEED_DISTRIBUTION_UNKNOWN', 'FEED_OFFLINE')) return [];
    throw error;
  }
}

/** A recipe's own distribution, or that of the recipe it stands on. */
function distributionOf(fleet: LoadedFleet, name: string): string | undefined {
  const seen = new Set<string>();
  for (
    let at: string | undefined = name;
    at !== undefined && !seen.has(at);
    at = fleet.recipes.get(at)?.document.from
  ) {
    seen.add(at);
    const distribution = fleet.recipes.get(at)?.document.distribution;
    if (distribution !== undefined) return distribution;
  }
  return undefined;
}
