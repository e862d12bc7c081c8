import type { PackageChange } from '../../build/index.ts';
import { diffPackages, inspectImage } from '../../inventory/index.ts';
import type { ResolvedImage } from '../../oci/index.ts';
import type { Workshop } from '../workshop/workshop.ts';

/**
 * What a build changed, by comparing the two images' package databases: the same answer however often the build was
 * interrupted, whatever strategy made it.
 */
export async function packageChanges(
  before: ResolvedImage | undefined,
  after: ResolvedImage,
  workshop: Workshop,
): Promise<readonly PackageChange[]> {
  const read = (image: ResolvedImage) => inspectImage(image, { layerCache: workshop.layerCache });
  const nothing = { ecosystem: undefined, packages: [] };
  const diff = diffPackages(before === undefined ? nothing : await read(before), await read(after));
  return [
    ...diff.added.map((pkg) => ({
      package: pkg.name,
      architecture: pkg.architecture,
      from: undefined,
      to: pkg.version,
    })),
    ...diff.removed.map((pkg) => ({
      package: pkg.name,
      architecture: pkg.architecture,
      from: pkg.version,
      to: undefined,
    })),
    ...[...diff.upgraded, ...diff.downgraded].map((move) => ({
      package: move.name,
      architecture: move.architecture,
      from: move.from,
      to: move.to,
    })),
  ].sort((a, b) => (a.package < b.package ? -1 : a.package > b.package ? 1 : 0));
}
