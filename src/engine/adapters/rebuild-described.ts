import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type BuiltImage, formatDockerfileLock, type RebuiltImage, withPlatform } from '../../build/index.ts';
import { digestOf, hostPlatform } from '../../oci/index.ts';
import type { OpenedImage } from '../../transport/index.ts';
import type { BuildRequest } from '../ports.ts';
import { workshopError } from '../workshop/errors.ts';
import { openStored } from '../workshop/open-stored.ts';
import { rebuildKiwi } from '../workshop/rebuild-description.ts';
import { rebuildImage } from '../workshop/rebuild-image.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { lockOfDescription } from './fleet-descriptions.ts';
import { lockOfDockerfile } from './fleet-dockerfiles.ts';
import type { LoadedFleet } from './load-fleet.ts';

/** Builds an image of the fleet from its Dockerfile or KIWI description, locked anew: a run is started by what changed outside. */
export async function rebuildDescribed(
  request: BuildRequest,
  fleet: LoadedFleet,
  workshop: Workshop,
): Promise<BuiltImage & { readonly lockText: string }> {
  const { image, baseDigest } = request;
  const dockerfile = fleet.dockerfiles.get(image.image);
  const description = fleet.descriptions.get(image.image);
  const { root } = workshop.options.home;
  const lockFile =
    description === undefined ? lockOfDockerfile(root, image.image) : lockOfDescription(root, image.image);
  await mkdir(dirname(lockFile), { recursive: true });
  const common = {
    platform: hostPlatform(),
    mode: workshop.options.offline === true ? 'auto' : 'update',
    lockFile,
    known: await fleetBase(request, workshop),
  } as const;
  const built = await buildOne();
  const lockText = formatDockerfileLock(withPlatform(undefined, built.lock));
  return {
    ...built,
    baseDigest: baseDigest ?? built.baseDigest,
    lockDigest: digestOf(Buffer.from(lockText)),
    lockText,
  };

  async function buildOne(): Promise<RebuiltImage> {
    if (dockerfile !== undefined) {
      const { file, ...settings } = dockerfile;
      return (await rebuildImage(file, { ...settings, ...common }, workshop)).built;
    }
    if (description === undefined)
      throw workshopError('RECIPE_GONE', `${image.image} has no Dockerfile and no KIWI description in ${fleet.file}`);
    const { file, ...settings } = description;
    return (await rebuildKiwi(file, { ...settings, ...common }, workshop)).built;
  }
}

/** The image of the fleet that it stands on, as it is released now. */
async function fleetBase({ image, baseDigest }: BuildRequest, workshop: Workshop) {
  const store = await workshop.store();
  return async (name: string): Promise<OpenedImage | undefined> => {
    if (name !== image.base) return undefined;
    if (baseDigest === undefined)
      throw workshopError('IMAGE_BASE_UNKNOWN', `${image.image} stands on ${name}, which is not released yet`);
    return { ...(await openStored(store, baseDigest)), close: async () => undefined };
  };
}
