import type { RepositorySnapshot } from '../../types.ts';
import { compareVersions } from '../version.ts';
import type { Node, Version } from './universe.ts';

/** A preference as in apt_preferences(5): which versions of which packages get another priority. */
export interface PackagePin {
  /** Names or patterns with `*` and `?`; `src:` before one means the source package; `*` alone means every package. */
  readonly packages: readonly string[];
  /** Only this version; `*` stands for any text. */
  readonly version?: string;
  /** Only from this pocket, or extra repository of that name. */
  readonly repository?: string;
  readonly suite?: string;
  readonly component?: string;
  /** Higher wins; from 1000 on even over a newer present version; negative: never. */
  readonly priority: number;
}

export interface Preferences {
  /** The first that fits a version decides; those that name packages come before those that name all. */
  readonly pins: readonly PackagePin[];
  /** Names or patterns of packages that must not be installed. */
  readonly excluded: readonly string[];
}

/** apt's defaults: NotAutomatic 1, with ButAutomaticUpgrades 100, all others 500; what is present 100. */
const ORDINARY = 500;
const UPGRADES_ONLY = 100;
const NOT_AUTOMATIC = 1;
const PRESENT = 100;

const patterns = new Map<string, RegExp>();

/** Text with `*` and `?` as a shell has them, over the whole of it. */
function glob(pattern: string): RegExp {
  const known = patterns.get(pattern);
  if (known !== undefined) return known;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const made = new RegExp(`^(?:${source})$`);
  patterns.set(pattern, made);
  return made;
}

/** Does `libssl*` or `src:openssl` mean this package? */
export function isNamed(wanted: readonly string[], item: Pick<Version, 'name' | 'source'>): boolean {
  return wanted.some((pattern) =>
    pattern.startsWith('src:') ? glob(pattern.slice(4)).test(item.source) : glob(pattern).test(item.name),
  );
}

const isGeneral = ({ packages, version }: PackagePin): boolean => version === undefined && packages.includes('*');

function isFrom(pin: PackagePin, { pocket, suite, component }: RepositorySnapshot): boolean {
  return (
    (pin.repository === undefined || pin.repository === pocket) &&
    (pin.suite === undefined || glob(pin.suite).test(suite)) &&
    (pin.component === undefined || pin.component === component)
  );
}

function defaultPriority({ notAutomatic, butAutomaticUpgrades }: RepositorySnapshot): number {
  if (!notAutomatic) return ORDINARY;
  return butAutomaticUpgrades === true ? UPGRADES_ONLY : NOT_AUTOMATIC;
}

/** Which version of a package is taken, by priorities (apt: pkgPolicy). */
export class Policy {
  readonly #specific: readonly PackagePin[];
  readonly #general: readonly PackagePin[];
  readonly #excluded: readonly string[];

  constructor({ pins, excluded }: Preferences) {
    this.#specific = pins.filter((pin) => !isGeneral(pin));
    this.#general = pins.filter(isGeneral);
    this.#excluded = excluded;
  }

  isExcluded(version: Version): boolean {
    return isNamed(this.#excluded, version);
  }

  priority(version: Version, current: Version | undefined): number {
    if (this.isExcluded(version)) return -1;
    const pinned = this.#specific.find(
      (pin) =>
        isNamed(pin.packages, version) &&
        (pin.version === undefined || glob(pin.version).test(version.version)) &&
        (pin.repository === undefined && pin.suite === undefined && pin.component === undefined
          ? true
          : version.origins.some((origin) => isFrom(pin, origin))),
    );
    if (pinned !== undefined) return pinned.priority;
    const priorities = version.origins.map(
      (origin) => this.#general.find((pin) => isFrom(pin, origin))?.priority ?? defaultPriority(origin),
    );
    return Math.max(...priorities, ...(version === current ? [PRESENT] : []), Number.MIN_SAFE_INTEGER);
  }

  /** The version to take among those that `isWanted`; undefined when none may be. */
  candidate(
    node: Node,
    current: Version | undefined,
    isWanted: (version: Version) => boolean = () => true,
  ): Version | undefined {
    let best: Version | undefined;
    let bestPriority = 0;
    // Highest version first, so that of equal priorities the highest wins.
    for (const version of node.versions) {
      const priority = isWanted(version) ? this.priority(version, current) : -1;
      if (priority <= bestPriority) continue;
      const isOlder = current !== undefined && compareVersions(version.version, current.version) < 0;
      if (isOlder && priority < 1000) continue;
      best = version;
      bestPriority = priority;
    }
    return best;
  }
}
