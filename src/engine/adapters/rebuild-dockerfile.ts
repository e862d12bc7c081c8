import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type BuiltImage, formatDockerfileLock, withPlatform } from '../../build/index.ts';
import { digestOf, hostPlatform } from '../../oci/index.ts';
import type { BuildRequest } from '../ports.ts';
import { workshopError } from '../workshop/errors.ts';
import { openStored } from '../workshop/open-stored.ts';
import { rebuildImage } from '../workshop/rebuild-image.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { lockOfDockerfile } from './fleet-dockerfiles.ts';
import type { LoadedFleet } from './load-fleet.ts';

/** Builds an image of the fleet from its Dockerfile, locked anew: a run is started by what changed outside. */
export async function rebuildDockerfile(
  { image, baseDigest }: BuildRequest,
  fleet: LoadedFleet,
  workshop: Workshop,
): Promise<BuiltImage> {
  const dockerfile = fleet.dockerfiles.get(image.image);
  if (dockerfile === undefined) throw workshopError('RECIPE_GONE', `${image.image} has no Dockerfile in ${fleet.file}`);
  const { file, ...settings } = dockerfile;
  const lockFile = lockOfDockerfile(workshop.options.home.root, image.image);
  await mkdir(dirname(lockFile), { recursive: true });
  const store = await workshop.store();
  const { built } = await rebuildImage(
    file,
    {
      ...settings,
      platform: hostPlatform(),
      mode: workshop.options.offline === true ? 'auto' : 'update',
      lockFile,
      known: async (name) => {
        if (name !== image.base) return undefined;
        if (baseDigest === undefined)
          throw workshopError('IMAGE_BASE_UNKNOWN', `${image.image} stands on ${name}, which is not released yet`);
        return { ...(await openStored(store, baseDigest)), close: async () => undefined };
      },
    },
    workshop,
  );
  return {
    ...built,
    baseDigest: baseDigest ?? built.baseDigest,
    lockDigest: digestOf(Buffer.from(formatDockerfileLock(withPlatform(undefined, built.lock)))),
  };
}
