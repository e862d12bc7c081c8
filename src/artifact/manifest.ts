import { type Descriptor, digestOf, type ImageManifest, MediaType, serialize } from '../oci/index.ts';
import { artifactError } from './errors.ts';
import { CREATED } from './types.ts';

/** image-spec manifest.md, "Guidance for an Empty Descriptor". */
export const EMPTY_BYTES = Buffer.from('{}');
export const EMPTY: Descriptor = {
  mediaType: MediaType.empty,
  digest: digestOf(EMPTY_BYTES),
  size: EMPTY_BYTES.length,
};

/** What ORAS, too, says of an artifact whose type nobody named. */
export const UNKNOWN_TYPE = 'application/vnd.unknown.artifact.v1';

export interface ManifestParts {
  readonly artifactType: string | undefined;
  readonly config: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  readonly subject: Descriptor | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, for `org.opencontainers.image.created` where the annotations say nothing. */
  readonly created: number;
}

/** The manifest of an artifact by image-spec 1.1, "Guidelines for Artifact Usage", and the descriptor it is known by. */
export function artifactManifest(parts: ManifestParts): { readonly descriptor: Descriptor; readonly bytes: Buffer } {
  const { subject } = parts;
  // With a config, its media type is the artifact's type (Helm charts); without one the manifest must say it.
  const artifactType = parts.artifactType ?? (parts.config === undefined ? UNKNOWN_TYPE : undefined);
  const annotations = {
    [CREATED]: new Date(parts.created).toISOString().replace(/\.\d+Z$/, 'Z'),
    ...parts.annotations,
  };
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: parts.config ?? EMPTY,
    layers: parts.layers.length === 0 ? [EMPTY] : parts.layers,
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    annotations,
  };
  const bytes = serialize(manifest);
  return {
    descriptor: {
      mediaType: MediaType.manifest,
      digest: digestOf(bytes),
      size: bytes.length,
      artifactType: artifactType ?? manifest.config.mediaType,
      annotations,
    },
    bytes,
  };
}

/** `KEY=VALUE` texts as a map. @throws ARTIFACT_ANNOTATION_INVALID */
export function parseAnnotations(texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = texts.map((text): readonly [string, string] => {
    const equals = text.indexOf('=');
    if (equals < 1) {
      throw artifactError('ARTIFACT_ANNOTATION_INVALID', `${JSON.stringify(text)} is not KEY=VALUE`, {
        hint: 'For example --annotation org.opencontainers.image.licenses=MIT.',
      });
    }
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  const twice = pairs.find(([key], at) => pairs.findIndex(([other]) => other === key) !== at);
  if (twice !== undefined)
    throw artifactError('ARTIFACT_ANNOTATION_INVALID', `the annotation ${twice[0]} is given twice`, {
      hint: 'Give each key once.',
    });
  return Object.fromEntries(pairs);
}
