export { chainIds } from './chain-id.ts';
export { type Digest, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from './digest.ts';
export { ociError } from './errors.ts';
export { parseImageConfig } from './image-config.ts';
export { imageNameOf } from './image-name.ts';
export type { CollectOptions, IndexedLayer } from './layer/collector.ts';

export { diffTrees, type TreeDiff } from './layer/diff-trees.ts';
export { type FlatEntry, type FlatTree, flattenLayers } from './layer/flatten.ts';
export { parseLayerIndex, serializeLayerIndex } from './layer/index-format.ts';
export { type IndexLayerOptions, indexLayer } from './layer/index-layer.ts';
export type { LayerEntry, LayerIndex } from './layer/types.ts';
export { type UnpackableLayer, type UnpackOptions, unpackLayers } from './layer/unpack-layers.ts';
export { opaqueOf, parseWhiteout, type Whiteout, whiteoutOf } from './layer/whiteout.ts';
export { type LayerItem, type WriteLayerOptions, type WrittenLayer, writeLayer } from './layer/write-layer.ts';
export { parseIndex, parseManifest } from './manifest.ts';
export { isIndexType, isManifestType, type LayerCompression, layerCompression, MediaType } from './media-types.ts';
export { formatPlatform, hostPlatform, parsePlatform, selectPlatform } from './platform.ts';
export {
  formatReference,
  isRepositoryName,
  isTag,
  parseReference,
  type Reference,
  type RegistryReference,
} from './reference.ts';
export { serialize } from './serialize.ts';
export { MAX_MANIFEST_BYTES } from './shape.ts';
export type {
  BlobSource,
  Descriptor,
  HistoryEntry,
  ImageConfig,
  ImageIndex,
  ImageManifest,
  Platform,
  ResolvedImage,
  RuntimeConfig,
} from './types.ts';
