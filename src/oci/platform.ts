import { ociError } from './errors.ts';
import { isIndexType, isManifestType } from './media-types.ts';
import type { Descriptor, ImageIndex, Platform } from './types.ts';

/** Node's names of architectures → GOARCH. */
const GOARCH: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mips64el: 'mips64le',
  loong64: 'loong64',
};

/** The platform containers run as on this machine (Linux, also where a virtual machine provides it). */
export function hostPlatform(architecture: string = process.arch): Platform {
  const named = GOARCH[architecture] ?? architecture;
  return named === 'arm' ? { os: 'linux', architecture: named, variant: 'v7' } : { os: 'linux', architecture: named };
}

/** `linux/arm64` or `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/');
}

/** Reads what `formatPlatform` writes. @throws OCI_PLATFORM_INVALID */
export function parsePlatform(text: string): Platform {
  const match = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text);
  if (match === null) {
    throw ociError('OCI_PLATFORM_INVALID', `not a platform: ${JSON.stringify(text.slice(0, 100))}`, {
      hint: 'Expected os/architecture[/variant], e.g. linux/amd64 or linux/arm/v7.',
    });
  }
  const [, os, architecture, variant] = match as unknown as [string, string, string, string | undefined];
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Variant as a level: what no variant means, and which lower levels a machine also runs. */
function level(platform: Platform): number | undefined {
  const given = platform.variant === undefined || platform.variant === '' ? undefined : platform.variant;
  const implied: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8', amd64: 'v1' };
  const variant = given ?? implied[platform.architecture] ?? 'v0';
  const number = /^v(\d+(?:\.\d+)?)$/.exec(variant);
  return number === null ? undefined : Number(number[1]);
}

/** How well an image suits: undefined not at all, else higher is better. */
function suitability(offered: Platform, wanted: Platform): number | undefined {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return undefined;
  if (offered.variant === wanted.variant) return Number.POSITIVE_INFINITY;
  const [has, needs] = [level(offered), level(wanted)];
  return has !== undefined && needs !== undefined && has <= needs ? has : undefined;
}

/**
 * The image in an index that runs on a platform: same variant, else the highest lower one (arm v6 on v7).
 * An index with a single image and no platform stated gives that image.
 * @throws OCI_PLATFORM_MISSING
 */
export function selectPlatform(index: ImageIndex, platform: Platform): Descriptor {
  const images = index.manifests.filter(({ mediaType }) => isManifestType(mediaType) || isIndexType(mediaType));
  const only = images.length === 1 ? images[0] : undefined;
  if (only !== undefined && only.platform === undefined) return only;
  let best: { readonly descriptor: Descriptor; readonly score: number } | undefined;
  for (const descriptor of images) {
    const score = descriptor.platform === undefined ? undefined : suitability(descriptor.platform, platform);
    if (score !== undefined && (best === undefined || score > best.score)) best = { descriptor, score };
  }
  if (best !== undefined) return best.descriptor;
  const offered = images.flatMap((image) => (image.platform === undefined ? [] : [formatPlatform(image.platform)]));
  throw ociError('OCI_PLATFORM_MISSING', `the index has no image for ${formatPlatform(platform)}`, {
    hint: `It has: ${offered.join(', ') || 'none with a platform'}.`,
    details: { offered },
  });
}
