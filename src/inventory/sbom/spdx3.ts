import type { InstalledPackage } from '../../distro/index.ts';
import type { LanguagePackage } from '../../language/index.ts';
import type { ImageContents } from '../types.ts';
import { installedDependencies } from './dependencies.ts';
import { detailOf, ownPackages, placeText } from './language-components.ts';
import { purlOf } from './purl.ts';
import { type SbomOptions, subjectOf } from './subject.ts';

/** A node that stands for nothing outside the document. */
const CREATION = '_:creation';

type Element = Readonly<Record<string, unknown>> & { readonly spdxId: string };

/**
 * SPDX 3.0.1 (JSON-LD) of an image, profiles core and software; the same bytes for the same image.
 * @see https://spdx.github.io/spdx-spec/v3.0.1/
 */
export function toSpdx3(contents: ImageContents, options: SbomOptions): string {
  const subject = subjectOf(contents, options);
  const id = (name: string): string => `https://spdx.org/spdxdocs/heraklit-${subject.uuid}#${name}`;
  const element = (type: string, name: string, members: Readonly<Record<string, unknown>>): Element => ({
    type,
    spdxId: id(name),
    creationInfo: CREATION,
    ...members,
  });
  const libraries = ownPackages(contents.languagePackages);
  const suppliers = new Map<string, string>();
  for (const { maintainer } of contents.packages) {
    if (maintainer !== '' && !suppliers.has(maintainer)) suppliers.set(maintainer, `supplier-${suppliers.size + 1}`);
  }
  const packages = contents.packages.map((item, at) =>
    element('software_Package', `package-${at + 1}`, {
      ...systemPackage(item, contents),
      ...(item.maintainer === '' ? {} : { suppliedBy: id(suppliers.get(item.maintainer) as string) }),
    }),
  );
  const libraryElements = libraries.map((item, at) =>
    element('software_Package', `library-${at + 1}`, languagePackage(item)),
  );
  const image = element('software_Package', 'image', {
    name: subject.name,
    software_packageVersion: subject.version,
    software_primaryPurpose: 'container',
    ...(contents.digest?.startsWith('sha256:') === true
      ? { verifiedUsing: [{ type: 'Hash', algorithm: 'sha256', hashValue: contents.digest.slice('sha256:'.length) }] }
      : {}),
  });
  const contained = [...packages, ...libraryElements];
  const relationships = [
    ...(contained.length === 0 ? [] : [{ from: image, relationshipType: 'contains', to: contained }]),
    ...installedDependencies(contents.packages).flatMap((targets, at) =>
      targets.length === 0
        ? []
        : [
            {
              from: packages[at] as Element,
              relationshipType: 'dependsOn',
              to: targets.map((target) => packages[target] as Element),
            },
          ],
    ),
  ].map(({ from, relationshipType, to }, at) =>
    element('Relationship', `relationship-${at + 1}`, {
      from: from.spdxId,
      relationshipType,
      to: to.map(({ spdxId }) => spdxId),
    }),
  );
  const tool = element('Tool', 'tool', { name: `heraklit ${options.toolVersion}` });
  const agent = element('SoftwareAgent', 'agent', { name: 'heraklit' });
  const organizations = [...suppliers].map(([name, key]) => element('Organization', key, { name }));
  const inside = [image, ...contained, ...organizations, ...relationships];
  const sbom = element('software_Sbom', 'sbom', {
    profileConformance: ['core', 'software'],
    software_sbomType: ['analyzed'],
    rootElement: [image.spdxId],
    element: inside.map(({ spdxId }) => spdxId),
  });
  const document = element('SpdxDocument', 'document', {
    name: subject.name,
    profileConformance: ['core', 'software'],
    rootElement: [sbom.spdxId],
    element: [agent, tool, sbom, ...inside].map(({ spdxId }) => spdxId),
  });
  const creation = {
    type: 'CreationInfo',
    '@id': CREATION,
    specVersion: '3.0.1',
    created: subject.created,
    createdBy: [agent.spdxId],
    createdUsing: [tool.spdxId],
  };
  const graph = [creation, document, sbom, agent, tool, ...inside];
  return JSON.stringify(
    { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': graph },
    undefined,
    2,
  );
}

function systemPackage(item: InstalledPackage, contents: ImageContents): Readonly<Record<string, unknown>> {
  return {
    name: item.name,
    software_packageVersion: item.version,
    software_packageUrl: purlOf(item, contents.distribution, contents.ecosystem),
    software_primaryPurpose: 'library',
    software_sourceInfo: `built from: ${item.source.name} ${item.source.version}`,
    ...(/^https?:\/\/[^\s]+$/.test(item.homepage) ? { software_homePage: item.homepage } : {}),
  };
}

function languagePackage(item: LanguagePackage): Readonly<Record<string, unknown>> {
  const places = item.locations.map(placeText).join(', ');
  const [cpe, sha1] = [detailOf(item, 'cpe'), detailOf(item, 'sha1')];
  return {
    name: item.name,
    ...(sha1 === undefined ? {} : { verifiedUsing: [{ type: 'Hash', algorithm: 'sha1', hashValue: sha1 }] }),
    ...(cpe === undefined
      ? {}
      : {
          externalIdentifier: [{ type: 'ExternalIdentifier', externalIdentifierType: 'cpe23', identifier: cpe }],
        }),
    software_packageVersion: item.version,
    software_packageUrl: item.purl,
    software_primaryPurpose: 'library',
    software_sourceInfo: `${item.state === 'declared' ? 'declared' : 'found'} in: ${places}`,
  };
}
