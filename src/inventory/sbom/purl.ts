import { PackageURL } from 'packageurl-js';
import type { Distribution, InstalledPackage } from '../../distro/index.ts';

/**
 * `pkg:deb/debian/NAME@VERSION?arch=amd64&distro=debian-13` (purl-spec, deb type): the namespace is the vendor, epoch
 * and revision stay in the version.
 */
export function purlOf(
  item: Pick<InstalledPackage, 'name' | 'version' | 'architecture'>,
  distribution: Distribution | undefined,
): string {
  const qualifiers: Record<string, string> = {};
  if (item.architecture !== '') qualifiers.arch = item.architecture;
  const release = distribution?.versionId === '' ? distribution.codename : distribution?.versionId;
  if (distribution !== undefined && release !== undefined && release !== '') {
    qualifiers.distro = `${distribution.id}-${release}`;
  }
  const namespace = distribution?.id ?? 'debian';
  const purl = new PackageURL('deb', namespace, item.name, item.version, qualifiers, undefined).toString();
  // The library leaves + in versions; canonical is %2B (purl-spec, "Character encoding"), and readers compare text.
  return purl.replaceAll('+', '%2B');
}
