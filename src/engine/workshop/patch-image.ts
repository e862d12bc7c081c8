import { type BuiltImage, patch } from '../../build/index.ts';
import type { RepositoryPackage } from '../../distro/index.ts';
import { solveOrThrow } from '../../distro/index.ts';
import { type Finding, findOutdated, type ImageContents, inspectImage } from '../../inventory/index.ts';
import type { ResolvedImage } from '../../oci/index.ts';
import { workshopError } from './errors.ts';
import type { Shelf, Workshop } from './workshop.ts';

export interface PatchFilter {
  readonly onlySecurity?: boolean;
  /** Only these packages (names). */
  readonly packages?: readonly string[];
}

export type PatchOutcome =
  | { readonly kind: 'patched'; readonly image: BuiltImage; readonly fixed: readonly Finding[] }
  /** Nothing to do: no finding, or none that the filter lets through. */
  | { readonly kind: 'unchanged'; readonly left: readonly Finding[] };

/** scan → findings → solve → patch, for one image of any origin. */
export async function patchImage(image: ResolvedImage, filter: PatchFilter, workshop: Workshop): Promise<PatchOutcome> {
  const contents = await inspectImage(image, { layerCache: workshop.layerCache });
  const distribution = contents.distribution?.name ?? '';
  const shelf = await shelfFor(contents, image, workshop);
  const check = await findOutdated(contents, shelf.snapshots, {
    changelog: await workshop.changelogs(distribution, shelf),
  });
  if (check.kind === 'unsupported') throw workshopError('IMAGE_UNSUPPORTED', `${image.digest}: ${check.reason}`);
  const held = new Set(contents.packages.filter((pkg) => pkg.hold).map((pkg) => pkg.name));
  const chosen = check.findings.filter((finding) => isWanted(finding, filter) && !held.has(finding.package));
  if (chosen.length === 0) return { kind: 'unchanged', left: check.findings };
  const upgrades = solveUpgrades(contents, chosen, shelf);
  const packages = await workshop.packages(distribution);
  await packages.fetchAll(upgrades, workshop.options.progress, workshop.options.signal);
  const { home, log, progress, signal } = workshop.options;
  const built = await patch(
    { image, upgrades, advisories: [...new Set(chosen.flatMap((finding) => finding.advisories))].sort() },
    {
      store: await workshop.store(),
      layers: workshop.layerFacts,
      packages,
      plainPackages: workshop.plainPackages,
      scratch: home.scratch,
      log,
      progress,
      ...(signal === undefined ? {} : { signal }),
    },
  );
  return { kind: 'patched', image: built, fixed: chosen };
}

async function shelfFor(contents: ImageContents, image: ResolvedImage, workshop: Workshop): Promise<Shelf> {
  if (contents.distribution === undefined) {
    throw workshopError('IMAGE_UNSUPPORTED', `${image.digest}: no distribution was recognised in it`, {
      hint: 'Only Debian images can be patched so far.',
    });
  }
  return workshop.shelf(contents.distribution.name, contents.architecture);
}

const isWanted = (finding: Finding, filter: PatchFilter): boolean =>
  (filter.onlySecurity !== true || finding.security) &&
  (filter.packages === undefined || filter.packages.includes(finding.package));

/** The candidates themselves and whatever they newly depend on; what is installed stays unless it must move too. */
function solveUpgrades(
  contents: ImageContents,
  findings: readonly Finding[],
  shelf: Shelf,
): readonly RepositoryPackage[] {
  return solveOrThrow({
    universe: shelf.universe(),
    installed: contents.packages,
    requests: findings.map(({ package: name, candidate, arch }) => ({ name, version: candidate, architecture: arch })),
    architecture: contents.architecture,
    recommends: false,
    essential: false,
  }).packages;
}
