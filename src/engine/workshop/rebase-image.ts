import { prepareBase, type RebaseResult, rebase } from '../../build/index.ts';
import { isDigest, type ResolvedImage } from '../../oci/index.ts';
import { workshopError } from './errors.ts';
import { openStored } from './open-stored.ts';
import type { Workshop } from './workshop.ts';

const BASE_DIGEST = 'org.opencontainers.image.base.digest';

export interface RebaseImages {
  readonly child: ResolvedImage;
  readonly onto: ResolvedImage;
  /** Base the child stands on; looked for by annotation when not given. */
  readonly from: ResolvedImage | undefined;
  readonly baseName: string | undefined;
}

/** Moves one image of any origin to a new base. @throws IMAGE_BASE_UNKNOWN, REBASE_NOT_A_CHILD, REBASE_REFUSED */
export async function rebaseImage(images: RebaseImages, workshop: Workshop): Promise<RebaseResult> {
  const old = images.from ?? (await annotatedBase(images.child, workshop));
  const [oldBase, newBase] = [
    await prepareBase(old, workshop.layerFacts),
    await prepareBase(images.onto, workshop.layerFacts),
  ];
  return rebase(
    { child: images.child, oldBase, newBase, ...(images.baseName === undefined ? {} : { baseName: images.baseName }) },
    { store: await workshop.store(), layers: workshop.layerFacts },
  );
}

async function annotatedBase(child: ResolvedImage, workshop: Workshop): Promise<ResolvedImage> {
  const digest = child.manifest.annotations?.[BASE_DIGEST];
  const store = await workshop.store();
  if (digest === undefined || !isDigest(digest) || !(await store.has(digest))) {
    throw workshopError('IMAGE_BASE_UNKNOWN', `which base ${child.digest} stands on is not known`, {
      hint: 'Name it with --from.',
    });
  }
  return openStored(store, digest);
}
