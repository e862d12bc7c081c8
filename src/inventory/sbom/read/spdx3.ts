import { isObject, type JsonObject, objectAt, objectsAt, textAt, textsAt } from './shape.ts';
import type { SbomComponent, SbomDocument } from './types.ts';

const PACKAGE = 'software_Package';

/** SPDX 3.0 JSON-LD in its compact form (https://spdx.github.io/spdx-spec/v3.0.1/serializations/). */
export function spdx3Json(document: JsonObject): SbomDocument {
  const graph = objectsAt(document, '@graph');
  const byId = new Map(graph.map((element) => [textAt(element, 'spdxId') || textAt(element, '@id'), element]));
  const roots = new Set(
    graph
      .filter((element) => textAt(element, 'type') === 'software_Sbom')
      .flatMap((one) => textsAt(one, 'rootElement')),
  );
  const packages = graph.filter((element) => textAt(element, 'type') === PACKAGE);
  const subject = packages.find((element) => roots.has(textAt(element, 'spdxId')) && roots.size === 1);
  const system = packages.find((element) => textAt(element, 'software_primaryPurpose') === 'operatingSystem');
  return {
    format: 'SPDX 3',
    subject: subject && { name: textAt(subject, 'name'), version: textAt(subject, 'software_packageVersion') },
    system: system && {
      id: textAt(system, 'name'),
      version: textAt(system, 'software_packageVersion'),
      description: '',
    },
    components: packages
      .filter((element) => element !== subject && element !== system)
      .map((element) => componentOf(element, byId)),
  };
}

function componentOf(element: JsonObject, byId: ReadonlyMap<string, JsonObject>): SbomComponent {
  const { suppliedBy } = element;
  const supplier = isObject(suppliedBy) ? suppliedBy : byId.get(textAt(element, 'suppliedBy'));
  const identifier = objectsAt(element, 'externalIdentifier').find(
    (one) => textAt(one, 'externalIdentifierType') === 'packageUrl',
  );
  const sourceInfo = textAt(element, 'software_sourceInfo');
  return {
    name: textAt(element, 'name'),
    version: textAt(element, 'software_packageVersion'),
    purl: textAt(element, 'software_packageUrl') || textAt(identifier ?? {}, 'identifier') || undefined,
    supplier: textAt(supplier ?? {}, 'name'),
    notes: new Map(),
    sourceInfo,
    optional: sourceInfo.startsWith('declared in: '),
  };
}

/** True for what says that it is SPDX 3. */
export function isSpdx3(document: JsonObject): boolean {
  const contexts = [...textsAt(document, '@context'), textAt(objectAt(document, '@context') ?? {}, '@vocab')];
  return contexts.some((context) => /spdx\.org\/rdf\/(?:v?3|terms\/3)/.test(context));
}
