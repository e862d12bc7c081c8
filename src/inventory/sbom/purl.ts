import { PackageURL } from 'packageurl-js';
import type { Distribution, EcosystemId, InstalledPackage } from '../../distro/index.ts';

/** Namespaces are vendors; where a vendor's word is not its os-release id. */
const VENDORS: ReadonlyMap<string, string> = new Map([
  ['rhel', 'redhat'],
  ['opensuse-leap', 'opensuse'],
  ['opensuse-tumbleweed', 'opensuse'],
  ['sles', 'suse'],
]);

/** Whose packages they are where no distribution is known; rpm has no vendor to fall back to. */
const FALLBACK: Readonly<Record<EcosystemId, string | undefined>> = {
  deb: 'debian',
  rpm: undefined,
  apk: 'alpine',
  alpm: 'arch',
};

/** `debian-13`, `fedora-42`; a rolling distribution by its id alone. */
function distroQualifier({ id, versionId, codename, name }: Distribution): string | undefined {
  const release = versionId === '' ? codename : versionId;
  if (/\/(?:rolling|tumbleweed)$/.test(name)) return id;
  return release === '' ? undefined : `${id}-${release}`;
}

/**
 * `pkg:deb/debian/NAME@VERSION?arch=amd64&distro=debian-13`: the namespace is the vendor; epoch and revision stay in
 * the version, but for rpm, whose epoch is a qualifier.
 * @see https://github.com/package-url/purl-spec/blob/main/types-doc/ (deb, rpm, apk, alpm)
 */
export function purlOf(
  item: Pick<InstalledPackage, 'name' | 'version' | 'architecture'>,
  distribution: Distribution | undefined,
  ecosystem: EcosystemId = 'deb',
): string {
  const qualifiers: Record<string, string> = {};
  if (item.architecture !== '') qualifiers.arch = item.architecture;
  const distro = distribution === undefined ? undefined : distroQualifier(distribution);
  if (distro !== undefined) qualifiers.distro = distro;
  const epoch = ecosystem === 'rpm' ? /^(\d+):/.exec(item.version)?.[1] : undefined;
  if (epoch !== undefined) qualifiers.epoch = epoch;
  const version = epoch === undefined ? item.version : item.version.slice(epoch.length + 1);
  const namespace =
    distribution === undefined ? FALLBACK[ecosystem] : (VENDORS.get(distribution.id) ?? distribution.id);
  const purl = new PackageURL(ecosystem, namespace, item.name, version, qualifiers, undefined).toString();
  // The library leaves + in versions; canonical is %2B (purl-spec, "Character encoding"), and readers compare text.
  return purl.replaceAll('+', '%2B');
}
