import { messageOf } from '../../../base/index.ts';
import { inventoryError } from '../../errors.ts';
import type { ImageContents } from '../../types.ts';
import { contentsOfSbom } from './contents.ts';
import { cycloneDxJson } from './cyclonedx-json.ts';
import { cycloneDxXml } from './cyclonedx-xml.ts';
import { isObject, textAt } from './shape.ts';
import { spdx2Json } from './spdx2.ts';
import { spdx2TagValue } from './spdx2-tag-value.ts';
import { isSpdx3, spdx3Json } from './spdx3.ts';
import { MAX_COMPONENTS, MAX_SBOM_BYTES, type SbomDocument } from './types.ts';

/**
 * What an SBOM says is inside an image: CycloneDX 1.2 to 1.7 (JSON, XML), SPDX 2.2 and 2.3 (JSON, tag-value), SPDX 3.0
 * (JSON-LD). The format is told by the document itself.
 * @throws INVENTORY_SBOM_INVALID, INVENTORY_SBOM_LIMIT
 */
export function readSbom(bytes: Uint8Array): ImageContents {
  if (bytes.length > MAX_SBOM_BYTES) {
    throw inventoryError('INVENTORY_SBOM_LIMIT', `the SBOM has ${bytes.length} bytes, more than ${MAX_SBOM_BYTES}`);
  }
  const document = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  if (document.components.length > MAX_COMPONENTS) {
    throw inventoryError('INVENTORY_SBOM_LIMIT', `the SBOM has more than ${MAX_COMPONENTS} components`);
  }
  return contentsOfSbom(document);
}

function parse(text: string): SbomDocument {
  const start = text.replace(/^\uFEFF/, '').trimStart();
  if (start.startsWith('<')) {
    if (/cyclonedx\.org\/schema\/bom/.test(start.slice(0, 10_000))) return cycloneDxXml(start);
    throw unknown('it is XML, but not of CycloneDX');
  }
  if (/^(?:#.*\n\s*)*SPDXVersion:/.test(start)) return spdx2TagValue(start);
  let value: unknown;
  try {
    value = JSON.parse(start);
  } catch (error) {
    throw unknown(messageOf(error));
  }
  if (isObject(value)) {
    if (textAt(value, 'bomFormat') === 'CycloneDX') return cycloneDxJson(value);
    if (textAt(value, 'spdxVersion').startsWith('SPDX-2')) return spdx2Json(value);
    if (isSpdx3(value)) return spdx3Json(value);
  }
  throw unknown('neither bomFormat, nor spdxVersion, nor a context of SPDX 3 is there');
}

const unknown = (why: string) =>
  inventoryError('INVENTORY_SBOM_INVALID', `this is no SBOM that heraklit reads: ${why}`, {
    hint: 'Give CycloneDX (JSON, XML) or SPDX (2.2, 2.3: JSON, tag-value; 3.0: JSON-LD).',
  });
