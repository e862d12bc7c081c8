import { type DistributionData, distributionData } from '../../distro/index.ts';

/** A repository whose index is one file (apk, pacman), on every mirror that has it. */
export interface PlacedRepository {
  readonly component: string;
  /** Its path below a mirror; '' where it is the mirror itself. */
  readonly folder: string;
  /** Folder on a mirror → that mirror. */
  readonly roots: ReadonlyMap<string, string>;
}

export interface Place {
  /** `alpine/3.22` */
  readonly distribution: string;
  readonly architecture: string;
}

/** Alpine's folder of a release: `v3.22`, `edge`. */
const branchOf = (release: string): string => (/^\d/.test(release) ? `v${release}` : release);

const split = (distribution: string): readonly [id: string, release: string] => {
  const [id = '', release = ''] = distribution.split('/');
  return [id, release];
};

/** Without data of it, a distribution's mirror is the folder of its one repository. */
const layoutOf = (data: DistributionData | undefined): string => data?.layout ?? '{mirror}';

/** `arch` and the architecture are words of the distribution: none of them leads out of the mirror. */
const safe = (word: string): string => (/^[\w.+-]+(?:\/[\w.+-]+)*$/.test(word) && !word.includes('..') ? word : '_');

/**
 * The repositories of a distribution: one a component, on each mirror in the order given.
 * @param components default: what the distribution's users have enabled
 */
export function placeRepositories(
  mirrors: readonly string[],
  place: Place,
  components?: readonly string[],
): readonly PlacedRepository[] {
  const [id, release] = split(place.distribution);
  const data = distributionData(id);
  const layout = layoutOf(data);
  return (components ?? data?.components ?? ['os']).map((component) => {
    const below = layout
      .replace('{mirror}', '')
      .replace('{branch}', safe(branchOf(release)))
      .replace('{component}', safe(component))
      .replace('{arch}', safe(place.architecture));
    return { component, folder: below.slice(1), roots: new Map(mirrors.map((mirror) => [mirror + below, mirror])) };
  });
}

/** A repository that its user names by its URLs: as in etc/apk/repositories, or the folder where NAME.db lies. */
export function placeNamed(name: string, urls: readonly string[], architecture: string): PlacedRepository {
  const roots = urls.map((url) => url.replaceAll('{architecture}', architecture).replace(/\/+$/, ''));
  return { component: safe(name), folder: '', roots: new Map(roots.map((root) => [root, root])) };
}

const literally = (text: string): string => text.replace(/[.+?^$()|[\]\\]/g, '\\$&');

/**
 * The mirror that a repository's URL in an image's own configuration lies on: `https://HOST/alpine` for
 * `https://HOST/alpine/v3.22/main`. Undefined where the URL is of another layout: a third party's.
 */
export function mirrorOfUrl(id: string, url: string): string | undefined {
  const pattern = literally(layoutOf(distributionData(id)))
    .replace('{mirror}', '(?<mirror>.+?)')
    .replace('{branch}', '(?:v\\d+(?:\\.\\d+)*|edge|latest-stable)')
    .replace('{component}', '(?:[\\w-]+|\\$repo)')
    .replace('{arch}', '(?:[\\w-]+|\\$arch)');
  return new RegExp(`^${pattern}$`).exec(url.replace(/\/+$/, ''))?.groups?.mirror;
}
