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
  return new PackageURL('deb', distribution?.id ?? 'debian', item.name, item.version, qualifiers, undefined).toString();
}
