import { compareVersions } from '../distro/index.ts';
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

/** Packages of two images, in the format's own version order; a package that changed architecture is added and removed. */
export function diffPackages(before: readonly PackageRef[], after: readonly PackageRef[]): PackageDiff {
  const effect = packageEffect(before, after);
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
