import { type EcosystemId, ecosystemOf } from '../distro/index.ts';
import { packageEffect } from './package-effect.ts';
import type { PackageRef } from './types.ts';

export interface PackageMove {
  readonly name: string;
  readonly architecture: string;
  readonly from: string;
  readonly to: string;
}

export interface PackageDiff {
  readonly added: readonly PackageRef[];
  readonly removed: readonly PackageRef[];
  readonly upgraded: readonly PackageMove[];
  readonly downgraded: readonly PackageMove[];
}

/** The packages of one side and the format they are in; undefined where there is no database. */
export interface PackageList {
  readonly ecosystem: EcosystemId | undefined;
  readonly packages: readonly PackageRef[];
}

/**
 * Packages of two images, in the format's own version order; a package that changed architecture is added and removed,
 * and so is everything where the formats differ.
 */
export function diffPackages(before: PackageList, after: PackageList): PackageDiff {
  const { ecosystem } = after;
  if (before.ecosystem !== undefined && ecosystem !== undefined && before.ecosystem !== ecosystem) {
    return { added: after.packages, removed: before.packages, upgraded: [], downgraded: [] };
  }
  const { compareVersions } = ecosystemOf(ecosystem ?? before.ecosystem ?? 'deb');
  const effect = packageEffect(before.packages, after.packages);
  const moves = effect.changed.map(({ name, architecture, version, from }) => ({
    name,
    architecture,
    from,
    to: version,
  }));
  return {
    added: effect.added,
    removed: effect.removed,
    // Versions that differ in spelling alone (1.0, 0:1.0) changed, and went nowhere: they count as upgraded.
    upgraded: moves.filter((move) => compareVersions(move.to, move.from) >= 0),
    downgraded: moves.filter((move) => compareVersions(move.to, move.from) < 0),
  };
}
