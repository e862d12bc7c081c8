import {
  type Descriptor,
  digestOf,
  type HistoryEntry,
  type ImageConfig,
  type ImageManifest,
  MediaType,
  serialize,
} from '../../oci/index.ts';
import type { StoredLayer } from '../layers/store-layer.ts';
import { mergeRuntimeConfig } from './merge-config.ts';
import type { ImageShape, OwnLayers } from './split.ts';

export interface RebasedImage {
  readonly manifest: ImageManifest;
  readonly manifestBytes: Uint8Array;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  readonly descriptor: Descriptor;
}

const OCI_TYPES: Readonly<Record<string, string>> = {
  [MediaType.dockerManifest]: MediaType.manifest,
  [MediaType.dockerConfig]: MediaType.config,
  [MediaType.dockerLayer]: MediaType.layer,
  [MediaType.dockerLayerGzip]: MediaType.layerGzip,
};

/** The same content under its OCI name; Docker schema 2 and OCI differ in nothing else. */
const ociType = (mediaType: string): string => OCI_TYPES[mediaType] ?? mediaType;
const ociDescriptor = (descriptor: Descriptor): Descriptor => ({
  ...descriptor,
  mediaType: ociType(descriptor.mediaType),
});

export const ANNOTATION = {
  baseDigest: 'org.opencontainers.image.base.digest',
  baseName: 'org.opencontainers.image.base.name',
} as const;

/** New base's layers, then the child's own ones, then the merged ones: a manifest and a config, nothing else is written. */
export function assembleRebased(
  child: ImageShape,
  oldBase: ImageShape,
  newBase: ImageShape,
  own: OwnLayers,
  merged: StoredLayer | undefined,
  baseName: string | undefined,
  annotations: Readonly<Record<string, string>>,
): RebasedImage {
  const mergedHistory: readonly HistoryEntry[] =
    merged === undefined ? [] : [{ created_by: 'heraklit rebase: merge the package database', comment: 'heraklit' }];
  const config: ImageConfig = {
    ...child.config,
    config: mergeRuntimeConfig(oldBase.config.config, newBase.config.config, child.config.config),
    rootfs: {
      type: 'layers',
      diff_ids: [...newBase.config.rootfs.diff_ids, ...own.diffIds, ...(merged === undefined ? [] : [merged.diffId])],
    },
    history: [...(newBase.config.history ?? []), ...own.history, ...mergedHistory],
  };
  const configBytes = serialize(config);
  const name = baseName ?? child.manifest.annotations?.[ANNOTATION.baseName];
  const layers = [...newBase.manifest.layers, ...own.descriptors, ...(merged === undefined ? [] : [merged.descriptor])];
  // A Docker manifest may not name OCI layers; where base and child differ, the result is an OCI image.
  const convert = layers.some((layer) => ociType(layer.mediaType) === layer.mediaType);
  const mediaType = child.manifest.mediaType ?? MediaType.manifest;
  const manifest: ImageManifest = {
    ...child.manifest,
    mediaType: convert ? ociType(mediaType) : mediaType,
    config: {
      ...(convert ? ociDescriptor(child.manifest.config) : child.manifest.config),
      digest: digestOf(configBytes),
      size: configBytes.byteLength,
    },
    layers: convert ? layers.map(ociDescriptor) : layers,
    annotations: {
      ...child.manifest.annotations,
      ...annotations,
      [ANNOTATION.baseDigest]: newBase.digest,
      ...(name === undefined ? {} : { [ANNOTATION.baseName]: name }),
    },
  };
  const manifestBytes = serialize(manifest);
  return {
    manifest,
    manifestBytes,
    config,
    configBytes,
    descriptor: {
      mediaType: manifest.mediaType ?? MediaType.manifest,
      digest: digestOf(manifestBytes),
      size: manifestBytes.byteLength,
    },
  };
}
