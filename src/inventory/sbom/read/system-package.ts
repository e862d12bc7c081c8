import type { PackageURL } from 'packageurl-js';
import type { EcosystemId, InstalledPackage } from '../../../distro/index.ts';
import type { SbomComponent } from './types.ts';

const SYSTEM_TYPES: Readonly<Record<string, EcosystemId>> = { deb: 'deb', rpm: 'rpm', apk: 'apk', alpm: 'alpm' };

/** The package format that a package URL's type stands for; undefined for those of languages and others. */
export const systemEcosystem = (type: string): EcosystemId | undefined =>
  Object.hasOwn(SYSTEM_TYPES, type) ? SYSTEM_TYPES[type] : undefined;

/** A distribution's package as an SBOM tells of it: what the document does not say is empty. */
export function systemPackage(component: SbomComponent, purl: PackageURL): InstalledPackage {
  // The purl types say it for rpm alone; Trivy keeps the epoch of Debian's versions beside them too.
  const version = withEpoch(purl.version ?? component.version, purl.qualifiers?.epoch);
  return {
    name: purl.name,
    version,
    architecture: purl.qualifiers?.arch ?? '',
    source: sourceOf(component, purl, version),
    essential: false,
    multiArch: 'no',
    relations: {
      ...{ depends: [], preDepends: [], recommends: [], conflicts: [], breaks: [], replaces: [], provides: [] },
    },
    installedSize: 0,
    section: '',
    maintainer: component.supplier,
    homepage: '',
    hold: false,
    configured: true,
    conffiles: new Map(),
  };
}

/** Advisories name source packages: each tool has its own place for them. */
function sourceOf(component: SbomComponent, purl: PackageURL, version: string): InstalledPackage['source'] {
  const note = (name: string): string | undefined => component.notes.get(name)?.[0] || undefined;
  const built = /^built (?:package )?from: (\S+) (\S+)$/.exec(component.sourceInfo);
  const upstream = /^([^@]+)(?:@(.+))?$/.exec(purl.qualifiers?.upstream ?? '');
  const trivy = [note('aquasecurity:trivy:SrcVersion'), note('aquasecurity:trivy:SrcRelease')]
    .filter(Boolean)
    .join('-');
  return {
    name:
      note('heraklit:source') ??
      note('aquasecurity:trivy:SrcName') ??
      note('syft:metadata:source') ??
      built?.[1] ??
      upstream?.[1] ??
      purl.name,
    version:
      note('heraklit:source-version') ??
      (trivy === '' ? undefined : withEpoch(trivy, note('aquasecurity:trivy:SrcEpoch'))) ??
      note('syft:metadata:sourceVersion') ??
      built?.[2] ??
      upstream?.[2] ??
      version,
  };
}

const withEpoch = (version: string, epoch: string | undefined): string =>
  epoch === undefined || !/^[1-9]\d*$/.test(epoch) || /^\d+:/.test(version) ? version : `${epoch}:${version}`;
