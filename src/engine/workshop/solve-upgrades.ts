import { messageOf } from '../../base/index.ts';
import { readApkFiles } from '../../build/index.ts';
import {
  type ApkChange,
  createApkUniverse,
  type PackageIdentity,
  type RepositoryPackage,
  solveApk,
  solveOrThrow,
  solveRpmUpgrade,
} from '../../distro/index.ts';
import type { Finding, ImageContents } from '../../inventory/index.ts';
import { flattenLayers, type LayerIndex, type ResolvedImage } from '../../oci/index.ts';
import { workshopError } from './errors.ts';
import { solveDistroless } from './solve-distroless.ts';
import type { Shelf, Workshop } from './workshop.ts';

/** An image before any patch, and which of its findings are to go. */
export interface UpgradeRequest {
  readonly image: ResolvedImage;
  readonly contents: ImageContents;
  /** What its layers hold, bottom first. */
  readonly indexes: readonly LayerIndex[];
  readonly findings: readonly Finding[];
  /** Nothing was filtered out: whatever can be newer is to be. */
  readonly everything: boolean;
}

/** What brings them: the candidates, what they newly depend on, and what goes because of them. */
export interface UpgradePlan {
  readonly upgrades: readonly RepositoryPackage[];
  /** apk: every package's step, in order. */
  readonly steps?: readonly ApkChange[];
  /** Names. */
  readonly removed?: readonly string[];
}

/** The candidates themselves and whatever they newly depend on; what is installed stays unless it must move too. */
export async function solveUpgrades(request: UpgradeRequest, shelf: Shelf, workshop: Workshop): Promise<UpgradePlan> {
  switch (request.contents.ecosystem) {
    case 'apk':
      return solveApkUpgrades(request, shelf);
    case 'rpm':
      return solveRpmUpgrades(request, shelf);
    default:
      if (request.contents.packageDatabase === 'dpkg-status.d') return solveDistrolessUpgrades(request, shelf);
      return { upgrades: await solveDebUpgrades(request, shelf, workshop) };
  }
}

function solveDistrolessUpgrades({ image, contents, findings }: UpgradeRequest, shelf: Shelf): UpgradePlan {
  try {
    return { upgrades: solveDistroless(contents.packages, findings, shelf.snapshots) };
  } catch (error) {
    throw unsolvable(image, messageOf(error));
  }
}

async function solveDebUpgrades(
  { contents: { packages: installed, architecture }, indexes, findings }: UpgradeRequest,
  shelf: Shelf,
  workshop: Workshop,
): Promise<readonly RepositoryPackage[]> {
  const requests = findings.map(({ package: name, candidate: version, arch }) => ({
    name,
    version,
    architecture: arch,
  }));
  const question = { indexes, architecture, snapshots: shelf.snapshots, requests };
  return workshop.solutions.upgrades(question, () => {
    const options = { recommends: false, essential: false };
    return solveOrThrow({ universe: shelf.universe(), installed, requests, architecture, ...options }).packages;
  });
}

async function solveApkUpgrades(
  { image, indexes, findings, everything }: UpgradeRequest,
  shelf: Shelf,
): Promise<UpgradePlan> {
  const { records, world } = await readApkFiles(image, flattenLayers(indexes));
  const upgrade = everything ? 'all' : new Set(findings.map((finding) => finding.package));
  const solution = solveApk({ universe: createApkUniverse(shelf.snapshots), installed: records, world, upgrade });
  if (solution.kind === 'unsolvable') {
    throw unsolvable(image, solution.reason);
  }
  return {
    upgrades: solution.changes.flatMap(({ to }) => to ?? []),
    steps: solution.changes,
    removed: solution.changes.filter(({ to, stays }) => to === undefined && !stays).map(({ name }) => name),
  };
}

async function solveRpmUpgrades(
  { image, contents, findings, everything }: UpgradeRequest,
  shelf: Shelf,
): Promise<UpgradePlan> {
  const offered = (await shelf.forSolving()).flatMap(({ packages }) => packages);
  const keyOf = ({ name, version, architecture }: PackageIdentity): string => `${name} ${version} ${architecture}`;
  const byKey = new Map(offered.map((offer) => [keyOf(offer), offer]));
  const wanted = findings.flatMap(
    ({ package: name, candidate: version, arch: architecture }) =>
      byKey.get(`${name} ${version} ${architecture}`) ?? [],
  );
  const solution = solveRpmUpgrade({ installed: contents.packages, offered, wanted, everything });
  if (solution.kind === 'unsolvable') throw unsolvable(image, solution.reason);
  return { upgrades: solution.packages, removed: solution.removed };
}

const unsolvable = (image: ResolvedImage, reason: string): Error =>
  workshopError('PATCH_UNSOLVABLE', `${image.digest}: the updates do not fit together: ${reason}`, {
    hint: 'Name a repository that has what is missing, or patch fewer packages with --package.',
  });
