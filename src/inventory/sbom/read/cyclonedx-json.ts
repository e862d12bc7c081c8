import { inventoryError } from '../../errors.ts';
import { type JsonObject, objectAt, objectsAt, textAt } from './shape.ts';
import { MAX_COMPONENTS, MAX_DEPTH, type SbomComponent, type SbomDocument } from './types.ts';

/** CycloneDX JSON 1.2 to 1.7 (https://cyclonedx.org/docs/1.6/json/); components inside components count as well. */
export function cycloneDxJson(bom: JsonObject): SbomDocument {
  const subject = objectAt(objectAt(bom, 'metadata') ?? {}, 'component');
  const all = flattened(objectsAt(bom, 'components'));
  const system = all.find((item) => textAt(item, 'type') === 'operating-system');
  return {
    format: 'CycloneDX',
    subject: subject && { name: textAt(subject, 'name'), version: digestOf(subject) ?? textAt(subject, 'version') },
    system: system && {
      id: textAt(system, 'name'),
      version: textAt(system, 'version'),
      description: textAt(system, 'description'),
    },
    components: all.filter((item) => textAt(item, 'type') !== 'operating-system').map(componentOf),
  };
}

function flattened(top: readonly JsonObject[]): readonly JsonObject[] {
  const all: JsonObject[] = [];
  for (let level = top, depth = 0; level.length > 0; depth += 1) {
    if (depth >= MAX_DEPTH || all.length + level.length > MAX_COMPONENTS) {
      throw inventoryError(
        'INVENTORY_SBOM_LIMIT',
        `the SBOM has more than ${MAX_COMPONENTS} components, or ${MAX_DEPTH} levels of them`,
      );
    }
    all.push(...level);
    level = level.flatMap((item) => objectsAt(item, 'components'));
  }
  return all;
}

/** Trivy calls an image by name and keeps its digest beside it. */
function digestOf(subject: JsonObject): string | undefined {
  for (const property of objectsAt(subject, 'properties')) {
    if (textAt(property, 'name') !== 'aquasecurity:trivy:RepoDigest') continue;
    return /@(sha256:[0-9a-f]{64})$/.exec(textAt(property, 'value'))?.[1];
  }
  return undefined;
}

function componentOf(item: JsonObject): SbomComponent {
  const group = textAt(item, 'group');
  const notes = new Map<string, string[]>();
  for (const property of objectsAt(item, 'properties')) {
    const name = textAt(property, 'name');
    notes.set(name, [...(notes.get(name) ?? []), textAt(property, 'value')]);
  }
  return {
    name: group === '' ? textAt(item, 'name') : `${group}/${textAt(item, 'name')}`,
    version: textAt(item, 'version'),
    purl: textAt(item, 'purl') || undefined,
    supplier: textAt(objectAt(item, 'supplier') ?? {}, 'name') || textAt(item, 'publisher'),
    notes,
    sourceInfo: '',
    optional: textAt(item, 'scope') === 'optional',
  };
}
