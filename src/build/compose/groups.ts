import { createHash } from 'node:crypto';
import type { LockedPackage } from './lock-form.ts';

/** Packages that share one layer. */
export interface LayerGroup {
  /** Source package, or `bucket-N`. */
  readonly name: string;
  /** Sorted by name and architecture. */
  readonly packages: readonly LockedPackage[];
}

/** Bytes of a source's .debs from which on it has a layer of its own. */
const OWN_LAYER_BYTES = 1_500_000;
/** Sources that get security updates often: an update must change one small blob, whatever their size. */
const OFTEN_UPDATED: ReadonlySet<string> = new Set([
  ...['glibc', 'openssl', 'systemd', 'perl', 'curl', 'krb5', 'gnutls28', 'libxml2', 'nginx', 'apache2', 'expat'],
  ...['sqlite3', 'tzdata', 'ca-certificates', 'openldap', 'libssh2', 'nghttp2', 'zlib', 'xz-utils', 'libxslt'],
  ...['util-linux', 'shadow', 'pam', 'gnupg2', 'git', 'openssh', 'postgresql-common', 'mariadb', 'redis', 'bind9'],
]);
const OFTEN_UPDATED_SERIES = /^(?:python3\.\d+|postgresql-\d+|php\d+\.\d+|openjdk-\d+|ruby\d+\.\d+|nodejs|golang-.*)$/;
/** All other sources are spread over this many layers by a hash of their name: the same in every image. */
const BUCKETS = 8;

function bucketOf(source: string): string {
  return `bucket-${(createHash('sha256').update(source).digest()[0] as number) % BUCKETS}`;
}

const order = (a: LockedPackage, b: LockedPackage): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.architecture < b.architecture ? -1 : 1;

/**
 * Splits packages into layers so that an update changes one blob and images share blobs: see docs/decisions.
 * @param budget layers at most, at least BUCKETS; when sources want more, the smallest go to the buckets
 */
export function groupPackages(packages: readonly LockedPackage[], budget: number): readonly LayerGroup[] {
  const bySource = Map.groupBy(packages, (item) => item.source);
  const wantsOwn = [...bySource]
    .map(([source, items]) => ({ source, bytes: items.reduce((sum, item) => sum + item.size, 0) }))
    .filter(
      ({ source, bytes }) => bytes >= OWN_LAYER_BYTES || OFTEN_UPDATED.has(source) || OFTEN_UPDATED_SERIES.test(source),
    )
    .sort((a, b) => b.bytes - a.bytes || (a.source < b.source ? -1 : 1))
    .slice(0, Math.max(0, budget - BUCKETS));
  const own = new Set(wantsOwn.map(({ source }) => source));
  const groups = Map.groupBy(packages, (item) => (own.has(item.source) ? item.source : bucketOf(item.source)));
  return [...groups]
    .map(([name, items]) => ({ name, packages: items.toSorted(order) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
