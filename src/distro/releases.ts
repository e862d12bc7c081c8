import { readFileSync } from 'node:fs';
import { packageFile } from '../base/index.ts';
import type { EcosystemId } from './types.ts';

/** Which tree of a mirror a pocket lies in: Debian keeps security apart. */
export type ArchiveKind = 'main' | 'security';

export interface PocketData {
  /** `{codename}-security`; rpm: the repository's folder below a mirror, with `{architecture}`. */
  readonly suite: string;
  readonly archive: ArchiveKind;
  readonly security: boolean;
}

export interface ReleaseData {
  /** `VERSION_ID` of os-release; '' where a release never has one. */
  readonly version: string;
  /** Pockets it has, where not all. */
  readonly pockets?: readonly string[];
}

/** What data/distributions.json says of one distribution id. */
export interface DistributionData {
  /** Package format of its repositories; deb where it is left out. */
  readonly family?: EcosystemId;
  /** Folder below data/keyrings; left out where no keys ship. */
  readonly keyring?: string;
  /** Where a component's repository lies: `{mirror}/{branch}/{component}`; for families without `dists/`. */
  readonly layout?: string;
  /** What users have enabled by default, where a layout names components. */
  readonly components?: readonly string[];
  readonly pockets: Readonly<Record<string, PocketData>>;
  /** By codename (of families without: by version), oldest first. */
  readonly releases: Readonly<Record<string, ReleaseData>>;
}

const DATA = JSON.parse(readFileSync(packageFile('data/distributions.json'), 'utf8')) as Readonly<
  Record<string, DistributionData>
>;

/** Ids whose repositories are known: `debian`, … */
export function knownDistributionIds(): readonly string[] {
  return Object.keys(DATA);
}

export function distributionData(id: string): DistributionData | undefined {
  return Object.hasOwn(DATA, id) ? DATA[id] : undefined;
}

/** `12` and `12.5` → `bookworm`. */
export function codenameOfVersion(id: string, version: string): string | undefined {
  const major = version.split('.')[0];
  if (major === undefined || major === '') return undefined;
  const releases = Object.entries(distributionData(id)?.releases ?? {});
  return releases.find(([, release]) => release.version === version || release.version === major)?.[0];
}
