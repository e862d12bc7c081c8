import type { InstalledPackage } from '../../distro/index.ts';
import type { LanguagePackage } from '../../language/index.ts';
import type { ImageContents } from '../types.ts';
import { installedDependencies } from './dependencies.ts';
import { detailOf, ownPackages, placeText } from './language-components.ts';
import { purlOf } from './purl.ts';
import { type SbomOptions, subjectOf } from './subject.ts';

const DOCUMENT = 'SPDXRef-DOCUMENT';
const IMAGE = 'SPDXRef-Image';

interface Relationship {
  readonly spdxElementId: string;
  readonly relatedSpdxElement: string;
  readonly relationshipType: 'DESCRIBES' | 'CONTAINS' | 'DEPENDS_ON';
}

/** SPDX 2.3 JSON of an image, the same bytes for the same image (https://spdx.github.io/spdx-spec/v2.3/). */
export function toSpdx(contents: ImageContents, options: SbomOptions): string {
  const subject = subjectOf(contents, options);
  const libraries = ownPackages(contents.languagePackages);
  const all = spdxIds([
    ...contents.packages.map((item) => `${item.name}-${item.architecture}`),
    ...libraries.map((item) => `${item.ecosystem}-${item.name}-${item.version}`),
  ]);
  const ids = all.slice(0, contents.packages.length);
  const dependencies = installedDependencies(contents.packages);
  const relationships: Relationship[] = [
    { spdxElementId: DOCUMENT, relatedSpdxElement: IMAGE, relationshipType: 'DESCRIBES' },
    ...all.map((id) => relationship(IMAGE, 'CONTAINS', id)),
    ...dependencies.flatMap((targets, index) =>
      targets.map((target) => relationship(ids[index] as string, 'DEPENDS_ON', ids[target] as string)),
    ),
  ];
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    name: subject.name,
    documentNamespace: `https://spdx.org/spdxdocs/heraklit-${subject.uuid}`,
    creationInfo: { created: subject.created, creators: [`Tool: heraklit-${options.toolVersion}`] },
    packages: [
      {
        SPDXID: IMAGE,
        name: subject.name,
        versionInfo: subject.version,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        primaryPackagePurpose: 'CONTAINER',
        ...(contents.digest?.startsWith('sha256:') === true
          ? { checksums: [{ algorithm: 'SHA256', checksumValue: contents.digest.slice('sha256:'.length) }] }
          : {}),
      },
      ...contents.packages.map((item, index) => packageOf(item, ids[index] as string, contents)),
      ...libraries.map((item, index) => libraryOf(item, all[ids.length + index] as string)),
    ],
    relationships,
  };
  return JSON.stringify(document, undefined, 2);
}

function relationship(from: string, relationshipType: Relationship['relationshipType'], to: string): Relationship {
  return { spdxElementId: from, relatedSpdxElement: to, relationshipType };
}

function packageOf(item: InstalledPackage, id: string, contents: ImageContents): object {
  return {
    SPDXID: id,
    name: item.name,
    versionInfo: item.version,
    ...(item.maintainer === '' ? {} : { supplier: `Organization: ${item.maintainer}` }),
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    ...(/^https?:\/\/[^\s]+$/.test(item.homepage) ? { homepage: item.homepage } : {}),
    sourceInfo: `built from: ${item.source.name} ${item.source.version}`,
    externalRefs: [purlReference(purlOf(item, contents.distribution, contents.ecosystem))],
  };
}

function libraryOf(item: LanguagePackage, id: string): object {
  const places = item.locations.map(placeText).join(', ');
  const [cpe, sha1] = [detailOf(item, 'cpe'), detailOf(item, 'sha1')];
  return {
    SPDXID: id,
    name: item.name,
    versionInfo: item.version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    sourceInfo: `${item.state === 'declared' ? 'declared' : 'found'} in: ${places}`,
    ...(sha1 === undefined ? {} : { checksums: [{ algorithm: 'SHA1', checksumValue: sha1 }] }),
    externalRefs: [
      purlReference(item.purl),
      ...(cpe === undefined
        ? []
        : [{ referenceCategory: 'SECURITY', referenceType: 'cpe23Type', referenceLocator: cpe }]),
    ],
  };
}

function purlReference(purl: string): object {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl };
}

/** SPDX ids hold letters, digits, dots and dashes alone; what that makes equal gets a number. */
function spdxIds(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const id = `SPDXRef-Package-${name}`.replace(/[^A-Za-z0-9.-]+/g, '-');
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    return count === 1 ? id : `${id}.${count}`;
  });
}
