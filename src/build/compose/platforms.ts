import { formatPlatform } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import { platformOf } from './image-config.ts';

/**
 * The platforms that a recipe wants besides the one that is built now. One machine makes its own platform; what it does
 * not make is told, never dropped silently.
 *
 * @param architecture Debian's word
 * @throws COMPOSE_PLATFORM when the one that is built is not wanted at all
 */
export function otherPlatforms(recipe: Recipe, architecture: string): readonly string[] {
  const { platforms } = recipe;
  if (platforms === undefined) return [];
  const own = platformOf(architecture);
  const others = platforms.filter((platform) => !isSame(platform, own));
  if (others.length < platforms.length) return others;
  const built = [own.os, own.architecture].join('/');
  throw composeError('COMPOSE_PLATFORM', `${recipe.name} is for ${platforms.join(', ')}, and ${built} is built here`, {
    hint: `Add ${built} to its platforms, or build on a machine of that architecture.`,
  });
}

/** Debian's words, in the order in which they are looked for. */
const ARCHITECTURES = ['amd64', 'arm64', 'armhf', 'armel', 'i386', 'ppc64el', 's390x', 'riscv64'] as const;

/**
 * Debian's word for a platform such as `linux/arm64`.
 * @throws COMPOSE_PLATFORM for one that Debian is not made for
 */
export function architectureOf(platform: string): string {
  const found = ARCHITECTURES.find((architecture) => isSame(platform, platformOf(architecture)));
  if (found !== undefined) return found;
  throw composeError('COMPOSE_PLATFORM', `there is no Debian for ${platform}`, {
    hint: `Platforms are ${ARCHITECTURES.map((word) => formatPlatform(platformOf(word))).join(', ')}.`,
  });
}

/** `linux/arm64` and `linux/arm64/v8` are the same; `linux/arm/v6` is not `linux/arm/v7`. */
function isSame(platform: string, own: ReturnType<typeof platformOf>): boolean {
  const [os, architecture, variant] = platform.split('/');
  return os === own.os && architecture === own.architecture && (variant === undefined || variant === own.variant);
}
