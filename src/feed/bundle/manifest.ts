import { feedError } from '../errors.ts';

/** Names of the first two members of a bundle. */
export const MANIFEST = 'heraklit-bundle.json';
export const SIGNATURE = 'heraklit-bundle.sig';

/** Of the manifest; a fleet's 100,000 packages come to 20 MiB. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 1_000_000;
/** One file: the largest packages have 4 GiB. */
const MAX_FILE_BYTES = 16 * 1024 ** 3;

export interface BundleFile {
  readonly path: string;
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Where a file of imported advisories came from. */
export interface BundledFeed {
  /** `advisories/0.jsonl` */
  readonly path: string;
  readonly location: string;
  readonly distribution: string;
  readonly askedType: string;
  readonly types: readonly string[];
  /** sha256 of the document as it was imported. */
  readonly digest: string;
  readonly bytes: number;
  readonly problems: number;
}

export interface BundleManifest {
  readonly apiVersion: 'heraklit/v1';
  readonly kind: 'Bundle';
  /** ISO 8601: the newest of the repositories' dates, so that the same content gives the same bytes. */
  readonly date: string;
  readonly feeds: readonly BundledFeed[];
  /** Every other member, in their order. */
  readonly files: readonly BundleFile[];
}

/** The only places a file may lie in: below the cache, named by what it is. */
const PLACES: readonly RegExp[] = [
  /^releases\/[A-Za-z0-9][A-Za-z0-9._+-]{0,200}\.release$/,
  /^states\/[A-Za-z0-9][A-Za-z0-9._+-]{0,200}\.state$/,
  /^indexes\/[0-9a-f]{2}\/[0-9a-f]{64}(?:\.[a-z]{1,20})?\.v\d{1,4}\.zst$/,
  /^packages\/[0-9a-f]{2}\/[0-9a-f]{64}\.deb$/,
  /^changelogs\/[A-Za-z0-9][A-Za-z0-9._+%~-]{0,240}\.v\d{1,4}\.json$/,
  /^advisories\/\d{1,6}\.jsonl$/,
];

const SHA256 = /^[0-9a-f]{64}$/;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 4_096;

export const isBundlePath = (path: string): boolean => PLACES.some((place) => place.test(path));

export function formatManifest(manifest: BundleManifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, undefined, 1)}\n`);
}

/** @throws FEED_BUNDLE_INVALID */
export function parseManifest(bytes: Uint8Array, what: string): BundleManifest {
  const bad = (why: string): Error =>
    feedError('FEED_BUNDLE_INVALID', `${what}: ${why}`, {
      hint: 'Export the bundle again, with a heraklit of this version.',
    });
  let value: Partial<BundleManifest> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<BundleManifest> | null;
  } catch {
    throw bad('its manifest is not JSON');
  }
  if (value?.apiVersion !== 'heraklit/v1' || value.kind !== 'Bundle') throw bad('it is no bundle of this version');
  const { files, feeds, date } = value;
  if (!Array.isArray(files) || !Array.isArray(feeds) || files.length > MAX_FILES || !isText(date))
    throw bad('its manifest is incomplete');
  const why = problemOf(files, feeds);
  if (why !== undefined) throw bad(why);
  return value as BundleManifest;
}

function problemOf(files: readonly Partial<BundleFile>[], feeds: readonly Partial<BundledFeed>[]): string | undefined {
  const seen = new Set<string>();
  for (const file of files) {
    const { path, size, sha256 } = file ?? {};
    if (!isText(path) || !isBundlePath(path)) return `${JSON.stringify(path)} has no place in a bundle`;
    if (!isCount(size) || size > MAX_FILE_BYTES || !SHA256.test(String(sha256))) return `${path} has no size or hash`;
    if (seen.has(path)) return `${path} stands there twice`;
    // Packages are trusted by their name from then on.
    if (path.startsWith('packages/') && !path.endsWith(`/${sha256}.deb`)) return `${path} is not named by its hash`;
    seen.add(path);
  }
  return feeds.every((feed) => isFeed(feed) && seen.has(feed.path as string)) ? undefined : 'a feed is described badly';
}

const isFeed = (feed: Partial<BundledFeed> | null): feed is BundledFeed =>
  [feed?.path, feed?.location, feed?.distribution, feed?.askedType].every(isText) &&
  SHA256.test(String(feed?.digest)) &&
  isCount(feed?.bytes) &&
  isCount(feed?.problems) &&
  Array.isArray(feed?.types) &&
  feed.types.every(isText);
