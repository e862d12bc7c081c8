import { isHeraklitError } from '../../base/index.ts';
import { formatPlatform, type ImageIndex, type Platform } from '../../oci/index.ts';
import { workshopError } from './errors.ts';
import type { RebuiltDockerfile } from './rebuild-image.ts';

export interface RebuiltPlatforms {
  /** Each with its platform, in the order asked for. */
  readonly built: readonly { readonly platform: Platform; readonly result: RebuiltDockerfile }[];
  /** What this machine cannot run, and why; only where that is allowed. */
  readonly missing: readonly { readonly platform: string; readonly because: string }[];
}

/**
 * One recipe for several platforms, one after the other: they share the lock file.
 * @param skip go on without those that this machine cannot run, where others are left
 * @throws DOCKERFILE_PLATFORMS_MISSING with their names; everything else that a build throws
 */
export async function rebuildPlatforms(
  platforms: readonly Platform[],
  skip: boolean,
  build: (platform: Platform) => Promise<RebuiltDockerfile>,
): Promise<RebuiltPlatforms> {
  const built: { platform: Platform; result: RebuiltDockerfile }[] = [];
  const missing: { platform: string; because: string }[] = [];
  for (const platform of platforms) {
    try {
      built.push({ platform, result: await build(platform) });
    } catch (error) {
      if (!isHeraklitError(error, 'REBUILD_PLATFORM_FOREIGN')) throw error;
      missing.push({ platform: formatPlatform(platform), because: error.message });
    }
  }
  if (missing.length === 0 || (skip && built.length > 0)) return { built, missing };
  const names = missing.map(({ platform }) => platform).join(', ');
  const [first] = missing;
  throw workshopError('DOCKERFILE_PLATFORMS_MISSING', `not built for ${names}: ${first?.because ?? ''}`, {
    hint: 'Register an emulator (binfmt_misc, qemu-user-static), or go on without them with --skip-foreign.',
  });
}

/** What the images have in common stands on the index, so that it can be seen without choosing one. */
export function indexOfPlatforms({ built }: RebuiltPlatforms): ImageIndex {
  const [first, ...others] = built.map(({ result }) => result.image.manifest.annotations ?? {});
  const shared = Object.entries(first ?? {}).filter(([key, value]) =>
    others.every((annotations) => annotations[key] === value),
  );
  const manifests = built.map(({ platform, result }) => ({ ...result.built.descriptor, platform }));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  return { schemaVersion: 2, mediaType, manifests, annotations: Object.fromEntries(shared) };
}
