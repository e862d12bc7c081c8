import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PREDICATES } from '../../attestation/index.ts';
import { isHeraklitError } from '../../base/index.ts';
import { type BuiltImage, formatLock, isAllowed, type PreparedBase, prepareBase, rebase } from '../../build/index.ts';
import { type Digest, digestOf, parseReference } from '../../oci/index.ts';
import { openImage } from '../../transport/index.ts';
import type { BuildPort, BuildRequest } from '../ports.ts';
import { composeRecipe } from '../workshop/build-recipe.ts';
import { workshopError } from '../workshop/errors.ts';
import { keepLock } from '../workshop/lock-file.ts';
import { adopt, openStored } from '../workshop/open-stored.ts';
import { patchImage } from '../workshop/patch-image.ts';
import { resolvedFrom } from '../workshop/resolved.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { advisoriesOf } from './advisories.ts';
import type { LoadedFleet } from './load-fleet.ts';
import { packageChanges } from './package-changes.ts';

/** Bases prepared at the same time; each holds the file list of an image. */
const PREPARED_BASES = 8;

/** Makes images of a fleet by the strategy that was planned, and by the next one when that refuses. */
export function buildOf(fleet: LoadedFleet, architecture: string, workshop: Workshop): BuildPort {
  const bases = new Map<Digest, Promise<PreparedBase>>();
  const base = (digest: Digest): Promise<PreparedBase> => {
    const known = bases.get(digest);
    if (known !== undefined) return known;
    const prepared = workshop
      .store()
      .then((store) => openStored(store, digest))
      .then((image) => prepareBase(image, workshop.layerFacts));
    bases.set(digest, prepared);
    prepared.catch(() => bases.delete(digest));
    const oldest = bases.keys().next().value;
    if (bases.size > PREPARED_BASES && oldest !== undefined) bases.delete(oldest);
    return prepared;
  };
  return {
    async build(request, signal) {
      if (request.image.recipe === 'none') return patchUpstream(request, fleet, workshop, signal);
      const rebased = request.strategy === 'rebase' ? await tryRebase(request, base, workshop) : undefined;
      if (typeof rebased === 'object') return explained(rebased, fleet, request, architecture, workshop);
      if (rebased !== undefined && !isAllowed('compose', fleet.document.policy?.strategies)) {
        const what = `${request.image.image} cannot be rebased (${rebased}), and policy.strategies excludes compose`;
        throw workshopError('STRATEGY_EXCLUDED', what, {
          hint: 'Allow compose in policy.strategies of the fleet file.',
        });
      }
      const composed = await composeImage(request, fleet, architecture, workshop, signal);
      const reason = rebased === undefined ? composed.reason : `${composed.reason}; not rebased: ${rebased}`;
      return explained({ ...composed, reason }, fleet, request, architecture, workshop);
    },
  };
}

/** The reason when the rebase cannot be proved safe, or what it needs is not known: the caller composes. */
async function tryRebase(
  { image, previous, baseDigest, previousBaseDigest }: BuildRequest,
  base: (digest: Digest) => Promise<PreparedBase>,
  workshop: Workshop,
): Promise<BuiltImage | string> {
  if (previous === undefined || baseDigest === undefined || previousBaseDigest === undefined) {
    return 'the base it was built on is not known';
  }
  const store = await workshop.store();
  try {
    const [oldBase, newBase] = [await base(previousBaseDigest), await base(baseDigest)];
    const child = await openStored(store, previous);
    const name = image.base === undefined ? {} : { baseName: image.base };
    const rebased = await rebase({ child, oldBase, newBase, ...name }, { store, layers: workshop.layerFacts });
    return { ...rebased, predicates: [{ type: PREDICATES['rebase-report'], predicate: rebased.report }] };
  } catch (error) {
    if (!isHeraklitError(error, 'REBASE_REFUSED', 'REBASE_NOT_A_CHILD', 'BLOB_MISSING')) throw error;
    return error.message;
  }
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
    return { ...built, lockDigest: digestOf(formatLock(built.lock)) };
  } finally {
    await foreign?.close();
  }
}

/** An image somebody else builds: taken into the store as it is, then patched over. */
async function patchUpstream(
  { image, previous }: BuildRequest,
  fleet: LoadedFleet,
  workshop: Workshop,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const reference = fleet.upstream.get(image.image);
  if (reference === undefined) throw workshopError('RECIPE_GONE', `${image.image} is no longer in ${fleet.file}`);
  const store = await workshop.store();
  const upstream = await openImage(parseReference(reference), { signal });
  try {
    await adopt(store, upstream);
    const outcome = await patchImage(upstream, {}, workshop).catch((error: unknown) => {
      // What nobody can patch is watched all the same: its findings are told, and the rest of the fleet goes on.
      if (!isHeraklitError(error, 'IMAGE_UNSUPPORTED', 'FEED_DISTRIBUTION_UNKNOWN')) throw error;
      return { kind: 'unpatchable', why: error.message } as const;
    });
    if (outcome.kind === 'patched') return outcome.image;
    const why = outcome.kind === 'unchanged' ? 'it misses no update' : outcome.why;
    return {
      strategy: previous === upstream.digest ? 'none' : 'patch',
      reason: `${why}: taken over as it is`,
      descriptor: { mediaType: upstream.mediaType, digest: upstream.digest, size: upstream.manifestBytes.byteLength },
      manifest: upstream.manifest,
      config: upstream.config,
      baseDigest: undefined,
      changes: [],
      advisoriesFixed: [],
      statistics: {
        bytesBuilt: 0,
        bytesShared: 0,
        layersBuilt: 0,
        layersShared: upstream.manifest.layers.length,
        milliseconds: 0,
      },
    };
  } finally {
    await upstream.close();
  }
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
  const changes = await packageChanges(before, resolvedFrom(built, store), workshop);
  const distribution = distributionOf(fleet, request.image.image);
  if (distribution === undefined || before === undefined) return { ...built, changes };
  const shelf = await workshop.shelf(distribution, architecture);
  return { ...built, changes, advisoriesFixed: await advisoriesOf(changes, distribution, shelf, workshop) };
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
