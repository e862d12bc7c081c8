import { isHeraklitError } from '../../base/index.ts';
import { type BuiltImage, type PreparedBase, prepareBase, rebase } from '../../build/index.ts';
import type { Digest } from '../../oci/index.ts';
import { engineError } from '../errors.ts';
import type { BuildPort, BuildRequest } from '../ports.ts';
import { buildRecipe } from '../workshop/build-recipe.ts';
import { patchImage } from '../workshop/patch-image.ts';
import type { Workshop } from '../workshop/workshop.ts';
import type { FleetRecipe } from './open-fleet.ts';
import { storedImage } from './stored-image.ts';

export interface BuildStageOptions {
  readonly workshop: Workshop;
  readonly recipes: ReadonlyMap<string, FleetRecipe>;
  /** Debian's word. */
  readonly architecture: string;
  /** Default: release, updates, security. */
  readonly pockets?: readonly string[];
}

/** Bases prepared at the same time; each holds the file list of an image. */
const PREPARED_BASES = 8;

/** Compose, rebase and patch behind one port. What cannot be rebased is composed, and the reason says so. */
export function buildStage(options: BuildStageOptions): BuildPort {
  const bases = new Map<Digest, Promise<PreparedBase>>();
  const baseOf = (digest: Digest): Promise<PreparedBase> => {
    const known = bases.get(digest);
    if (known !== undefined) return known;
    const { workshop } = options;
    const prepared = workshop
      .store()
      .then(async (store) => prepareBase(await storedImage(store, digest), workshop.layerFacts));
    prepared.catch(() => bases.delete(digest));
    bases.set(digest, prepared);
    const oldest = bases.keys().next().value;
    if (bases.size > PREPARED_BASES && oldest !== undefined) bases.delete(oldest);
    return prepared;
  };
  return {
    async build(request) {
      if (request.strategy === 'patch') return patched(request, options.workshop);
      if (request.strategy !== 'rebase') return composed(request, options);
      try {
        return await rebased(request, options.workshop, baseOf);
      } catch (error) {
        if (!isHeraklitError(error) || !/^REBASE_|^ENGINE_BASE_UNKNOWN$/.test(error.code)) throw error;
        const built = await composed(request, options);
        return { ...built, reason: `${built.reason}; not rebased: ${error.message}` };
      }
    },
  };
}

async function rebased(
  request: BuildRequest,
  workshop: Workshop,
  baseOf: (digest: Digest) => Promise<PreparedBase>,
): Promise<BuiltImage> {
  const { image, previous, baseDigest, previousBaseDigest } = request;
  if (previous === undefined || baseDigest === undefined || previousBaseDigest === undefined) {
    throw engineError('ENGINE_BASE_UNKNOWN', `${image.image}: the base it was built on is not known`);
  }
  const store = await workshop.store();
  const [oldBase, newBase] = [await baseOf(previousBaseDigest), await baseOf(baseDigest)];
  const child = await storedImage(store, previous);
  const baseName = image.base === undefined ? {} : { baseName: image.base };
  return rebase({ child, oldBase, newBase, ...baseName }, { store, layers: workshop.layerFacts });
}

async function composed(request: BuildRequest, options: BuildStageOptions): Promise<BuiltImage> {
  const { workshop, recipes, architecture, pockets } = options;
  const recipe = recipes.get(request.image.image);
  if (recipe === undefined) {
    throw engineError('ENGINE_STATE_LOST', `${request.image.image}: the fleet has no recipe of this name`);
  }
  const base =
    request.baseDigest === undefined ? {} : { base: await storedImage(await workshop.store(), request.baseDigest) };
  const built = await buildRecipe(
    recipe.file,
    { architecture, update: true, ...base, ...(pockets === undefined ? {} : { pockets }) },
    workshop,
  );
  await built.close();
  return built.built;
}

async function patched(request: BuildRequest, workshop: Workshop): Promise<BuiltImage> {
  const { image, previous } = request;
  if (previous === undefined) throw engineError('ENGINE_STATE_LOST', `${image.image}: there is nothing to patch`);
  const original = await storedImage(await workshop.store(), previous);
  const outcome = await patchImage(original, {}, workshop);
  if (outcome.kind === 'patched') return outcome.image;
  const { manifest, config, digest, mediaType, manifestBytes } = original;
  return {
    strategy: 'none',
    reason: 'no update can be applied',
    descriptor: { mediaType, digest, size: manifestBytes.length },
    manifest,
    config,
    baseDigest: request.baseDigest,
    changes: [],
    advisoriesFixed: [],
    statistics: {
      bytesBuilt: 0,
      bytesShared: 0,
      layersBuilt: 0,
      layersShared: manifest.layers.length,
      milliseconds: 0,
    },
  };
}
