import type { ApkFile } from '../../../distro/index.ts';
import type { LayerItem } from '../../../oci/index.ts';
import type { PlacedPackage } from '../root-split.ts';
import type { ApkBase } from './base.ts';
import type { LockedApk } from './open-packages.ts';

export interface FillInput {
  readonly base: ApkBase;
  readonly packages: readonly LockedApk[];
  readonly epoch: number;
  /** For the image's own apk: repositories of the recipe, and their keys. */
  readonly sources: readonly ApkFile[];
}

/** A root with packages in it, as far as it is new over the base. */
export interface FilledRoot {
  readonly items: readonly LayerItem[];
  readonly placed: readonly PlacedPackage[];
}
