import { PackageURL } from 'packageurl-js';
import { distributionOf } from './ecosystem.ts';
import type { AffectedPackage } from './types.ts';

/** What a package URL (https://github.com/package-url/purl-spec) says of a package an advisory names. */
export interface NamedPackage {
  readonly ecosystem: string;
  readonly kind: AffectedPackage['kind'];
  readonly name: string;
  readonly version: string | undefined;
}

const MAX_PURL = 2_048;
const DISTRIBUTION_TYPES: ReadonlySet<string> = new Set(['deb', 'rpm', 'apk', 'alpm']);

/** purl namespaces that are not os-release ids. */
const VENDORS: Readonly<Record<string, string>> = {
  redhat: 'rhel',
  suse: 'sles',
  rockylinux: 'rocky',
  oracle: 'ol',
  amazon: 'amzn',
};

/** `debian-12`, `bookworm`, `alpine-3.20.1`, `sles-15.5`, `opensuse-leap-15.6` */
function distributionOfQualifier(namespace: string, distro: string): string {
  const leap = /^opensuse-leap-(\d+\.\d+)$/.exec(distro);
  if (leap?.[1] !== undefined) return `opensuse/${leap[1]}`;
  const id = VENDORS[namespace] ?? namespace;
  const match = /^([a-z][a-z_]*)-(\d[\w.]*)$/i.exec(distro);
  const named =
    match === null
      ? distributionOf(id, distro)
      : distributionOf(VENDORS[match[1] ?? ''] ?? match[1] ?? id, match[2] ?? '');
  return named ?? '';
}

/** Undefined for what is no package (pkg:oci, pkg:github) and for what is no package URL. */
export function packageOfPurl(text: string): NamedPackage | undefined {
  const purl = parsePurl(text);
  if (purl === undefined) return undefined;
  const { type, namespace, name, version, qualifiers } = purl;
  if (name === undefined || type === 'oci' || type === 'docker' || type === 'github' || type === 'generic')
    return undefined;
  if (!DISTRIBUTION_TYPES.has(type ?? '')) {
    const full = namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
    return { ecosystem: type ?? '', kind: 'any', name: full.replaceAll('%40', '@'), version: version || undefined };
  }
  const distro = qualifiers?.distro;
  const epoch = qualifiers?.epoch;
  return {
    ecosystem: distro === undefined ? '' : distributionOfQualifier(namespace ?? '', distro),
    kind: qualifiers?.arch === 'source' || qualifiers?.arch === 'src' ? 'source' : 'any',
    name,
    version: version ? (epoch !== undefined && /^[1-9]\d*$/.test(epoch) ? `${epoch}:${version}` : version) : undefined,
  };
}

export function parsePurl(text: string): PackageURL | undefined {
  if (text.length > MAX_PURL || !text.startsWith('pkg:')) return undefined;
  try {
    return PackageURL.fromString(text);
  } catch {
    return undefined;
  }
}

/** Is it an image: `pkg:oci/…`, `pkg:docker/…`, or a bare digest? */
export const isImage = (product: string): boolean =>
  /^pkg:(?:oci|docker)\//.test(product) || /^sha256:[0-9a-f]{64}$/.test(product);

/**
 * Is a product that a VEX statement names this image? By digest; a package URL without one by its `repository_url`.
 * @param image.repository `registry.example/team/web`, without tag
 */
export function isImageNamed(
  product: string,
  image: { readonly digest: string | undefined; readonly repository: string | undefined },
): boolean {
  if (product.startsWith('sha256:')) return product === image.digest;
  const purl = parsePurl(product);
  if (purl === undefined || !isImage(product)) return false;
  if (purl.version) return purl.version === image.digest;
  const repository = purl.qualifiers?.repository_url?.replace(/\/+$/, '');
  return repository !== undefined && repository === image.repository;
}
