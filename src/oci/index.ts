export { type Digest, digestAlgorithm, digestHex, digestOf, isDigest, parseDigest } from './digest.ts';
export { ociError, ociErrors } from './errors.ts';
export { isIndexType, isManifestType, type LayerCompression, layerCompression, MediaType } from './media-types.ts';
export {
  formatReference,
  isRepositoryName,
  isTag,
  parseReference,
  type Reference,
  type RegistryReference,
} from './reference.ts';
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
