import { isHeraklitError } from '../../base/index.ts';
import type { BuiltImage } from '../../build/index.ts';
import { parseReference } from '../../oci/index.ts';
import { openImage } from '../../transport/index.ts';
import type { BuildRequest } from '../ports.ts';
import { workshopError } from '../workshop/errors.ts';
import { adopt, openStored } from '../workshop/open-stored.ts';
import { patchImage } from '../workshop/patch-image.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { type Attempt, made, refusing } from './fall-back.ts';
import type { LoadedFleet } from './load-fleet.ts';

/** Refusals that lie in the image or this machine, and that another run does not change. */
const UNPATCHABLE = ['IMAGE_UNSUPPORTED', 'FEED_DISTRIBUTION_UNKNOWN', 'PATCH_NO_DATABASE', 'PATCH_NO_TOOL'] as const;

/** One layer over what is released; the next strategy is tried where that cannot be done. */
export async function patchReleased({ previous }: BuildRequest, workshop: Workshop): Promise<Attempt> {
  if (previous === undefined) return { kind: 'refused', because: 'there is nothing yet that could be patched' };
  return refusing(/^(?:PATCH_|IMAGE_UNSUPPORTED$|FEED_DISTRIBUTION_UNKNOWN$|BLOB_MISSING$)/, async () => {
    const outcome = await patchImage(await openStored(await workshop.store(), previous), {}, workshop);
    if (outcome.kind === 'patched') return made(outcome.image);
    return { kind: 'refused', because: 'no repository offers what it misses' };
  });
}

/** An image somebody else builds: taken into the store as it is, then patched over. */
export async function patchUpstream(
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
      if (!isHeraklitError(error, ...UNPATCHABLE)) throw error;
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
