import { ECOSYSTEMS } from '../distro/index.ts';
import { inspectImage, type LayerCache } from '../inventory/index.ts';
import type { ResolvedImage } from '../oci/index.ts';
import type { Problem } from './types.ts';

const SHOWN = 5;
/** Where rpm keeps its database, and files of it that are none of the family's own form. */
const DATABASES = /^(?:usr\/lib\/sysimage\/rpm|var\/lib\/rpm|(?:usr\/)?lib\/apk\/db|var\/lib\/pacman)\//;

/**
 * The package database of rpm, apk or pacman can be read, and has packages where its distribution is one of packages.
 * Images without one pass.
 */
export async function checkOtherPackages(
  image: ResolvedImage,
  layerCache: LayerCache | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly problem: Problem; readonly detail: string }> {
  const { ecosystem, packageDatabase, packages, incomplete, tree } = await inspectImage(image, {
    ...(layerCache === undefined ? {} : { layerCache }),
    ...(signal === undefined ? {} : { signal }),
  });
  const isDatabase = (path: string): boolean =>
    DATABASES.test(path) || ECOSYSTEMS.some((ecosystem) => ecosystem.isDatabasePath(path));
  const broken = incomplete.filter(({ path }) => isDatabase(path));
  if (broken.length > 0) {
    const reasons = broken.slice(0, SHOWN).map(({ path, reason }) => `/${path}: ${reason}`);
    return { problem: `the package database is broken: ${reasons.join('; ')}`, detail: '' };
  }
  const half = packages.filter(({ configured }) => !configured).map(({ name }) => name);
  if (half.length > 0) return { problem: `not configured: ${half.slice(0, SHOWN).join(', ')}`, detail: '' };
  if (packageDatabase !== 'none' && packages.length > 0) {
    return { problem: undefined, detail: `${packages.length} packages of ${ecosystem}` };
  }
  const left = [...tree.keys()].find((path) => DATABASES.test(path) && isDatabase(path));
  return left === undefined
    ? { problem: undefined, detail: 'no package database' }
    : { problem: `the package database has no package: /${left}`, detail: '' };
}
