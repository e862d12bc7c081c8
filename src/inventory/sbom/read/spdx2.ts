import { type JsonObject, objectsAt, textAt, textsAt } from './shape.ts';
import type { SbomComponent, SbomDocument } from './types.ts';

/** SPDX 2.2 and 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/). */
export function spdx2Json(document: JsonObject): SbomDocument {
  const described = new Set([
    ...textsAt(document, 'documentDescribes'),
    ...objectsAt(document, 'relationships')
      .filter((one) => textAt(one, 'relationshipType') === 'DESCRIBES')
      .map((one) => textAt(one, 'relatedSpdxElement')),
  ]);
  const packages = objectsAt(document, 'packages');
  // A document on a folder describes each package: the image is the one that is no package itself.
  const isSubject = (item: JsonObject): boolean =>
    textAt(item, 'primaryPackagePurpose') === 'CONTAINER' ||
    (described.size === 1 && described.has(textAt(item, 'SPDXID')));
  const subject = packages.find(isSubject);
  const system = packages.find((item) => textAt(item, 'primaryPackagePurpose') === 'OPERATING-SYSTEM');
  return {
    format: 'SPDX 2',
    subject: subject && { name: textAt(subject, 'name'), version: digestOf(subject) },
    system: system && { id: textAt(system, 'name'), version: textAt(system, 'versionInfo'), description: '' },
    components: packages.filter((item) => item !== subject && item !== system).map(componentOf),
  };
}

function digestOf(subject: JsonObject): string {
  const version = textAt(subject, 'versionInfo');
  if (version.startsWith('sha256:')) return version;
  const image = purlOf(subject)?.match(/^pkg:oci\/.*@(sha256(?::|%3A)[0-9a-f]{64})/i)?.[1];
  return image?.replace(/%3a/i, ':') ?? version;
}

function purlOf(item: JsonObject): string | undefined {
  const found = objectsAt(item, 'externalRefs').find((reference) => textAt(reference, 'referenceType') === 'purl');
  return found === undefined ? undefined : textAt(found, 'referenceLocator');
}

function componentOf(item: JsonObject): SbomComponent {
  return {
    name: textAt(item, 'name'),
    version: textAt(item, 'versionInfo'),
    purl: purlOf(item),
    supplier: textAt(item, 'supplier')
      .replace(/^(?:Organization|Person): /, '')
      .replace(/^NOASSERTION$/, ''),
    notes: new Map(),
    sourceInfo: textAt(item, 'sourceInfo'),
    optional: textAt(item, 'sourceInfo').startsWith('declared in: '),
  };
}
