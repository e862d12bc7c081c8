import { type Descriptor, type Digest, isDigest, isIndexType, isManifestType } from '../../oci/index.ts';
import { registryError } from '../errors.ts';

/** Descriptors in one manifest or index: far above any real one, far below what hurts. */
const MAX_DESCRIPTORS = 10_000;

/** What the registry needs to know of a manifest; it stores the bytes unchanged and understands no more of them. */
export interface CheckedManifest {
  readonly mediaType: string;
  /** Config and layers of a manifest, children of an index: all must be in the repository. */
  readonly names: readonly Descriptor[];
  /** Config and layers alone. */
  readonly blobs: readonly Digest[];
  readonly subject: Digest | undefined;
  /** As the referrers list shows it: `artifactType`, else the config's media type. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

const invalid = (why: string): Error => registryError('REGISTRY_MANIFEST_INVALID', `invalid manifest: ${why}`);

/**
 * Checks a pushed manifest: JSON of a media type we serve, its descriptors well-formed. Only the four OCI and Docker
 * schema 2 types pass, so nobody can make the registry answer with, say, text/html.
 *
 * @throws REGISTRY_MANIFEST_INVALID
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined): CheckedManifest {
  const manifest = parsed(bytes);
  const sent = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  const own = manifest.mediaType;
  const mediaType = sent === undefined || sent === '' || sent === 'application/json' ? own : sent;
  if (typeof mediaType !== 'string') throw invalid('no media type');
  if (own !== undefined && own !== mediaType) throw invalid(`sent as ${mediaType}, says it is ${String(own)}`);
  const common = {
    mediaType,
    subject: manifest.subject === undefined ? undefined : descriptor(manifest.subject, 'subject').digest,
    annotations: annotations(manifest.annotations),
  };
  const artifactType = typeof manifest.artifactType === 'string' ? manifest.artifactType : undefined;
  if (isIndexType(mediaType)) {
    const names = descriptors(manifest.manifests, 'manifests');
    return { ...common, names, blobs: [], artifactType };
  }
  if (!isManifestType(mediaType)) throw invalid(`media type ${JSON.stringify(mediaType.slice(0, 200))} is not served`);
  const config = descriptor(manifest.config, 'config');
  // Layers with urls are fetched from there (Docker "foreign", OCI non-distributable): not pushed, so not asked for.
  const layers = descriptors(manifest.layers, 'layers').filter((layer) => layer.urls === undefined);
  const names = [config, ...layers];
  return {
    ...common,
    names,
    blobs: names.map(({ digest }) => digest),
    artifactType: artifactType ?? config.mediaType,
  };
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw registryError('REGISTRY_MANIFEST_INVALID', 'invalid manifest: not JSON', { cause: error });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw invalid('not a JSON object');
  const manifest = value as Record<string, unknown>;
  if (manifest.schemaVersion !== 2) throw invalid('schemaVersion is not 2');
  return manifest;
}

function descriptors(value: unknown, member: string): readonly Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`${member} is not a list`);
  if (value.length > MAX_DESCRIPTORS) throw invalid(`${member} has more than ${MAX_DESCRIPTORS} entries`);
  return value.map((one, index) => descriptor(one, `${member}[${index}]`));
}

function descriptor(value: unknown, member: string): Descriptor {
  const it = value as Descriptor | null | undefined;
  if (it === null || typeof it !== 'object') throw invalid(`${member} is not a descriptor`);
  if (typeof it.mediaType !== 'string') throw invalid(`${member} has no mediaType`);
  if (typeof it.digest !== 'string' || !isDigest(it.digest)) throw invalid(`${member} has no valid digest`);
  if (!Number.isSafeInteger(it.size) || it.size < 0) throw invalid(`${member} has no valid size`);
  return it;
}

function annotations(value: unknown): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  const good =
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    Object.values(value).every((one) => typeof one === 'string');
  if (!good) throw invalid('annotations is not a map of strings');
  return value as Readonly<Record<string, string>>;
}
