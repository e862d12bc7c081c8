import {
  type Descriptor,
  type Digest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  parseIndex,
  parseManifest,
} from '../../oci/index.ts';
import { registryError } from '../errors.ts';

/** What the registry needs to know of a manifest; it stores the bytes unchanged and understands no more of them. */
export interface CheckedManifest {
  readonly mediaType: string;
  /** Config and layers of a manifest, children of an index: all must be in the repository. */
  readonly names: readonly Descriptor[];
  /** Layers that are fetched from other places: need not be here, but stay where somebody pushed them. */
  readonly elsewhere: readonly Descriptor[];
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
 * @throws REGISTRY_MANIFEST_INVALID, OCI_MANIFEST_INVALID
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined): CheckedManifest {
  const sent = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  const own = ownMediaType(bytes);
  const mediaType = sent === undefined || sent === '' || sent === 'application/json' ? own : sent;
  if (mediaType === undefined) throw invalid('no media type');
  if (own !== undefined && own !== mediaType) throw invalid(`sent as ${mediaType}, says it is ${own}`);
  if (isIndexType(mediaType)) {
    const { manifests, subject, artifactType, annotations } = parseIndex(bytes);
    return {
      mediaType,
      names: manifests,
      elsewhere: [],
      blobs: [],
      subject: subject?.digest,
      artifactType,
      annotations,
    };
  }
  if (!isManifestType(mediaType)) throw invalid(`media type ${JSON.stringify(mediaType.slice(0, 200))} is not served`);
  const { config, layers, subject, artifactType, annotations } = parseManifest(bytes);
  // Layers with urls are fetched from there (Docker "foreign", OCI non-distributable): not pushed, so not asked for.
  const names = [config, ...layers.filter((layer) => layer.urls === undefined)];
  return {
    mediaType,
    names,
    elsewhere: layers.filter((layer) => layer.urls !== undefined),
    blobs: names.map(({ digest }) => digest),
    subject: subject?.digest,
    artifactType: artifactType ?? config.mediaType,
    annotations,
  };
}

function ownMediaType(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_MANIFEST_BYTES) throw invalid(`more than ${MAX_MANIFEST_BYTES} bytes`);
  try {
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString()) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : undefined;
  } catch (error) {
    throw registryError('REGISTRY_MANIFEST_INVALID', 'invalid manifest: not JSON', { cause: error });
  }
}
