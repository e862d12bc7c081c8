import { PackageURL } from 'packageurl-js';
import {
  type Distribution,
  type EcosystemId,
  ecosystemOf,
  type InstalledPackage,
  readDistribution,
} from '../../../distro/index.ts';
import type { LanguagePackage } from '../../../language/index.ts';
import { isDigest } from '../../../oci/index.ts';
import type { ImageContents, IncompletePart } from '../../types.ts';
import { languagePackage } from './language-package.ts';
import { systemEcosystem, systemPackage } from './system-package.ts';
import type { SbomComponent, SbomDocument } from './types.ts';

interface Sorted {
  readonly system: ReadonlyMap<EcosystemId, readonly InstalledPackage[]>;
  readonly distros: readonly string[];
  readonly languages: readonly LanguagePackage[];
  /** Why → how many components are no package of ours. */
  readonly passedOver: ReadonlyMap<string, number>;
}

/**
 * The image that an SBOM is about, as far as the document tells: packages and distribution, no files and no layers.
 * What is no package (files, unknown types) is counted in `incomplete`.
 */
export function contentsOfSbom(document: SbomDocument): ImageContents {
  const { system, distros, languages, passedOver } = sorted(document.components);
  const [main, ...others] = [...system].sort(([, a], [, b]) => b.length - a.length);
  const distribution = distributionOf(document, distros);
  const [ecosystem, packages = []] = main ?? [];
  const digest = document.subject?.version;
  return {
    digest: digest !== undefined && isDigest(digest) ? digest : undefined,
    distribution,
    architecture: ecosystemOf(ecosystem ?? 'deb').nativeArchitecture(packages, ''),
    packageDatabase: 'sbom',
    ecosystem,
    packages: byName(packages, ecosystem ?? 'deb'),
    languagePackages: merged(languages),
    layers: [],
    tree: new Map(),
    packageSources: [],
    incomplete: [
      ...[...passedOver].map(([reason, count]) =>
        part(`${count} ${count === 1 ? 'component' : 'components'} ${reason}`),
      ),
      ...others.map(([id, list]) => part(`${list.length} packages of a second format (${id}), which are not counted`)),
    ],
    config: undefined,
    annotations: {},
  };
}

const part = (reason: string): IncompletePart => ({ path: 'SBOM', reason });

function sorted(components: readonly SbomComponent[]): Sorted {
  const system = new Map<EcosystemId, InstalledPackage[]>();
  const languages: LanguagePackage[] = [];
  const distros: string[] = [];
  const passedOver = new Map<string, number>();
  const pass = (reason: string): void => void passedOver.set(reason, (passedOver.get(reason) ?? 0) + 1);
  for (const component of components) {
    const purl = component.purl === undefined ? undefined : parsed(component.purl);
    if (purl === undefined) {
      pass(component.purl === undefined ? 'without a package URL' : 'whose package URL does not parse');
      continue;
    }
    const ecosystem = systemEcosystem(purl.type);
    if (ecosystem !== undefined) {
      const list = system.get(ecosystem) ?? [];
      system.set(ecosystem, list);
      list.push(systemPackage(component, purl));
      if (purl.qualifiers?.distro !== undefined) distros.push(purl.qualifiers.distro);
      continue;
    }
    const found = languagePackage(component, purl);
    if (found === undefined) pass(`of type ${purl.type}`);
    else languages.push(found);
  }
  return { system, distros, languages, passedOver };
}

function parsed(text: string): PackageURL | undefined {
  try {
    return PackageURL.fromString(text);
  } catch {
    return undefined;
  }
}

/** The operating system component says it, else what most packages say (`distro=debian-12`). */
function distributionOf(document: SbomDocument, distros: readonly string[]): Distribution | undefined {
  const { system } = document;
  if (system !== undefined && system.id !== '') return named(system.id, system.version, system.description);
  const counts = new Map<string, number>();
  for (const distro of distros) counts.set(distro, (counts.get(distro) ?? 0) + 1);
  const [most] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0] ?? [];
  const [, id, version] = /^(.+?)(?:-(\d[^-]*|[a-z]+))?$/.exec(most ?? '') ?? [];
  return id === undefined ? undefined : named(id, version ?? '', '');
}

/** As the image's own os-release would have it. */
function named(id: string, version: string, pretty: string): Distribution | undefined {
  const safe = (text: string): string => text.replaceAll(/[^\w. :+/()-]/g, '');
  const release = /^\d/.test(version) ? `VERSION_ID="${safe(version)}"` : `VERSION_CODENAME="${safe(version)}"`;
  const lines = [`ID=${safe(id).toLowerCase()}`, release, ...(pretty === '' ? [] : [`PRETTY_NAME="${safe(pretty)}"`])];
  return readDistribution(Buffer.from(lines.join('\n')));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Each name, architecture and version once, as a package database has it. */
function byName(packages: readonly InstalledPackage[], id: EcosystemId): readonly InstalledPackage[] {
  const { compareVersions } = ecosystemOf(id);
  const distinct = new Map(
    packages.map((item) => [JSON.stringify([item.name, item.architecture, item.version]), item]),
  );
  return [...distinct.values()].sort(
    (a, b) => order(a.name, b.name) || order(a.architecture, b.architecture) || compareVersions(a.version, b.version),
  );
}

/** Tools list a package once a place: here it stands once, with its places. */
function merged(languages: readonly LanguagePackage[]): readonly LanguagePackage[] {
  const byIdentity = new Map<string, LanguagePackage>();
  for (const item of languages) {
    const key = JSON.stringify([item.ecosystem, item.name, item.version, item.state]);
    const known = byIdentity.get(key);
    byIdentity.set(
      key,
      known === undefined
        ? item
        : { ...known, dev: known.dev && item.dev, locations: [...known.locations, ...item.locations] },
    );
  }
  return [...byIdentity.values()].sort(
    (a, b) => order(a.ecosystem, b.ecosystem) || order(a.name, b.name) || order(a.version, b.version),
  );
}
