import type { JsonObject } from './shape.ts';
import { spdx2Json } from './spdx2.ts';
import type { SbomDocument } from './types.ts';

/** Tags of a package by the member of the JSON form. */
const MEMBERS: Readonly<Record<string, string>> = {
  SPDXID: 'SPDXID',
  PackageVersion: 'versionInfo',
  PackageSupplier: 'supplier',
  PackageSourceInfo: 'sourceInfo',
  PrimaryPackagePurpose: 'primaryPackagePurpose',
};

/** SPDX 2 as `Tag: value` lines, brought into the form of the JSON one. */
export function spdx2TagValue(text: string): SbomDocument {
  const packages: Record<string, unknown>[] = [];
  const relationships: JsonObject[] = [];
  let current: Record<string, unknown> | undefined;
  // Values of several lines stand between <text> tags; none that is read here has more than one.
  for (const line of text.replaceAll(/<text>[\s\S]*?<\/text>/g, '').split(/\r?\n/)) {
    const [, tag = '', value = ''] = /^([A-Za-z]+): ?(.*)$/.exec(line) ?? [];
    if (tag === 'PackageName') {
      current = { name: value, externalRefs: [] };
      packages.push(current);
    } else if (tag === 'FileName' || tag === 'SnippetSPDXID') current = undefined;
    else if (tag === 'Relationship') {
      const [from, type, to] = value.split(' ');
      relationships.push({ spdxElementId: from, relationshipType: type, relatedSpdxElement: to });
    } else if (tag === 'ExternalRef' && current !== undefined) {
      const [, referenceType, referenceLocator] = value.split(' ');
      (current.externalRefs as object[]).push({ referenceType, referenceLocator });
    } else if (current !== undefined && MEMBERS[tag] !== undefined) current[MEMBERS[tag]] = value;
  }
  return spdx2Json({ packages, relationships });
}
